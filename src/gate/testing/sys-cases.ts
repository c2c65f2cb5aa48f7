/** Requests of Vault's about token roles, leases and the server, one for each row. */
import { type Case, type Cases, fresh } from './cases.ts';
import type { Doors } from './doors.ts';
import { passphrase, plain, textOf } from './house.ts';

/** With a token role of its own, whose name stands for `:name`. */
function onRole(method: string, path: string, body?: object): Case {
  return async (doors) => {
    const { house } = doors;
    const name = fresh('role');
    await house.perform({ kind: 'write-token-role', name, settings: { allowed: ['default'] } });
    return () => doors.vault(method, path.replace(':name', name), body);
  };
}

/** With a token of its own role, by the id of its lease. */
function onLease(method: string, path: (lease: string) => string, body?: (lease: string) => object): Case {
  return async (doors) => {
    const lease = await madeLease(doors);
    return () => doors.vault(method, path(lease), body?.(lease));
  };
}

async function madeLease({ house }: Doors): Promise<string> {
  const name = fresh('role');
  await house.perform({ kind: 'write-token-role', name, settings: {} });
  const { credential } = await house.perform({ kind: 'create-role-token', role: name, names: [] });
  return `${credential.path}/${credential.id}`;
}

const aboveOf = (lease: string) => lease.slice(0, lease.lastIndexOf('/'));
const plainly =
  (method: string, path: string, body?: object): Case =>
  async (doors) =>
  () =>
    doors.vault(method, path, body);

type Status = { readonly nonce: string; readonly verification_nonce?: string; readonly keys?: readonly string[] };
const statusOf = (answer: { readonly json: unknown }) => answer.json as Status;

/** With a ceremony of its own, whatever was under way before. */
function inCeremony(paths: string, method: string, step: string, body?: (status: Status) => object): Case {
  return async (doors) => {
    const start = paths === 'rekey/init' ? { secret_shares: 1, secret_threshold: 1 } : {};
    await doors.vault('DELETE', `sys/${paths}`);
    const status = statusOf(await doors.vault('POST', `sys/${paths}`, start));
    return () => doors.vault(method, `sys/${step}`, body?.(status));
  };
}

/** A rekey whose new passphrase waits to be given back. */
function inVerification(method: string, body?: (status: Status) => object): Case {
  return async (doors) => {
    await doors.vault('DELETE', 'sys/rekey/init');
    const start = { secret_shares: 1, secret_threshold: 1, require_verification: true };
    const { nonce } = statusOf(await doors.vault('POST', 'sys/rekey/init', start));
    const made = statusOf(await doors.vault('POST', 'sys/rekey/update', { key: passphrase, nonce }));
    return () => doors.vault(method, 'sys/rekey/verify', body?.(made));
  };
}

const ended =
  (paths: string, body: object): Case =>
  async (doors) => {
    await doors.vault('DELETE', `sys/${paths}`);
    return () => doors.vault('POST', `sys/${paths}`, body);
  };

const attempt = 'generate-root/attempt';

export const sysCases: Cases = {
  'LIST auth/token/roles': onRole('LIST', 'auth/token/roles'),
  'GET auth/token/roles/:name': onRole('GET', 'auth/token/roles/:name'),
  'POST auth/token/roles/:name': onRole('POST', 'auth/token/roles/:name', { orphan: true, token_period: '1h' }),
  'DELETE auth/token/roles/:name': onRole('DELETE', 'auth/token/roles/:name'),
  'POST auth/token/create/:name': onRole('POST', 'auth/token/create/:name', { ttl: '10m' }),
  'LIST auth/token/accessors': plainly('LIST', 'auth/token/accessors'),
  'POST auth/token/tidy': plainly('POST', 'auth/token/tidy'),
  'POST auth/token/revoke-orphan': async (doors) => {
    const { token } = await doors.house.perform({ kind: 'create-token' });
    return () => doors.vault('POST', 'auth/token/revoke-orphan', { token: textOf(token) });
  },
  'GET auth/token/lookup': plainly('GET', 'auth/token/lookup'),
  'POST auth/token/lookup-self': plainly('POST', 'auth/token/lookup-self'),
  'POST sys/leases/lookup': onLease(
    'POST',
    () => 'sys/leases/lookup',
    (lease_id) => ({ lease_id }),
  ),
  'LIST sys/leases/lookup/*': onLease('LIST', (lease) => `sys/leases/lookup/${aboveOf(lease)}`),
  'POST sys/leases/revoke': onLease(
    'POST',
    () => 'sys/leases/revoke',
    (lease_id) => ({ lease_id, sync: true }),
  ),
  'POST sys/leases/revoke-prefix/*': onLease('POST', (lease) => `sys/leases/revoke-prefix/${aboveOf(lease)}`),
  'POST sys/leases/revoke-force/*': onLease('POST', (lease) => `sys/leases/revoke-force/${aboveOf(lease)}`),
  'POST sys/leases/tidy': plainly('POST', 'sys/leases/tidy'),
  'GET sys/leases/count': plainly('GET', 'sys/leases/count?type=irrevocable'),
  'GET sys/leases': plainly('GET', 'sys/leases?type=irrevocable'),
  'GET sys/audit': plainly('GET', 'sys/audit'),
  'GET sys/host-info': plainly('GET', 'sys/host-info'),
  'GET sys/config/state/sanitized': plainly('GET', 'sys/config/state/sanitized'),
  'GET sys/internal/counters/tokens': plainly('GET', 'sys/internal/counters/tokens'),
  'GET sys/config/cors': plainly('GET', 'sys/config/cors'),
  'GET sys/config/auditing/request-headers': plainly('GET', 'sys/config/auditing/request-headers'),
  'GET sys/generate-root/attempt': plainly('GET', 'sys/generate-root/attempt'),
  'POST sys/generate-root/attempt': ended(attempt, {}),
  'DELETE sys/generate-root/attempt': inCeremony(attempt, 'DELETE', attempt),
  'POST sys/generate-root/update': inCeremony(attempt, 'POST', 'generate-root/update', ({ nonce }) => ({
    ...{ key: passphrase, nonce },
  })),
  'GET sys/rekey/init': plainly('GET', 'sys/rekey/init'),
  'POST sys/rekey/init': ended('rekey/init', { secret_shares: 1, secret_threshold: 1 }),
  'DELETE sys/rekey/init': inCeremony('rekey/init', 'DELETE', 'rekey/init'),
  'POST sys/rekey/update': inCeremony('rekey/init', 'POST', 'rekey/update', ({ nonce }) => ({
    ...{ key: passphrase, nonce },
  })),
  'GET sys/rekey/verify': inVerification('GET'),
  'DELETE sys/rekey/verify': inVerification('DELETE'),
  // The former passphrase is put in force again behind it, for whoever unseals this house by that.
  'POST sys/rekey/verify': async (doors) => {
    let key = '';
    const send = await inVerification('POST', (made) => {
      key = made.keys?.[0] ?? '';
      return { key, nonce: made.verification_nonce };
    })(doors);
    return async () => {
      const answer = await send();
      if (answer.status === 200) {
        const { custody } = doors.house.gate.core.options;
        const former = { name: 'main', settings: {}, secret: plain(passphrase) };
        const staged = await custody.rotate(former, { secret: plain(key) });
        if ('keep' in staged) staged.keep();
      }
      return answer;
    };
  },
  'POST sys/seal': plainly('POST', 'sys/seal'),
  'POST sys/unseal': async (doors) => {
    await doors.house.perform({ kind: 'seal' });
    return () => doors.vault('POST', 'sys/unseal', { key: passphrase });
  },
};
