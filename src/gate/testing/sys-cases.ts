/** Requests of Vault's about token roles, leases and the server, one for each row. */
import { type Case, type Cases, fresh } from './cases.ts';
import type { Doors } from './doors.ts';
import { textOf } from './house.ts';

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
};
