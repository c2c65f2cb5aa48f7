import { Plaintext } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { type Case, type Cases, fresh } from './cases.ts';
import type { Doors } from './doors.ts';
import { textOf } from './house.ts';

/** Requests of Vault's about logins and wrapped answers, one for each row. */

interface Made {
  readonly name: string;
  readonly roleId: string;
  readonly secretId: string;
  readonly accessor: string;
}

async function madeRole({ house }: Doors): Promise<Made> {
  const name = fresh('login');
  const { login } = await house.perform({ kind: 'write-login', method: 'approle', name });
  const { secretId, shown } = await house.perform({ kind: 'create-secret-id', role: name });
  return { name, roleId: login.roleId!, secretId: textOf(secretId), accessor: shown.accessor };
}

/** On a role with a secret id of its own. */
function onRole(method: string, path: string, body?: (made: Made) => object): Case {
  return async (doors) => {
    const made = await madeRole(doors);
    return () => doors.vault(method, `auth/approle/${path.replace(':name', made.name)}`, body?.(made));
  };
}

const password = 'correct horse';

function onUser(method: string, path: string, body?: object): Case {
  return async (doors) => {
    const name = fresh('login');
    await doors.vault('POST', `auth/userpass/users/${name}`, { password });
    return () => doors.vault(method, `auth/userpass/${path.replace(':name', name)}`, body);
  };
}

/** With a wrapped answer of its own. */
function wrapped(method: string, path: string): Case {
  return async (doors) => {
    const answer = new Plaintext(toUtf8('{}'));
    const { token } = await doors.house.perform({ kind: 'wrap-answer', answer, ttl: 600_000, path: 'test' });
    return () => doors.vault(method, path, undefined, textOf(token));
  };
}

const role = 'role/:name';
const secretId = ({ secretId: secret_id }: Made) => ({ secret_id });
const accessor = ({ accessor: secret_id_accessor }: Made) => ({ secret_id_accessor });
const approle = `auth/approle/${role}`;
const users = 'auth/userpass/users';

export const loginCases: Cases = {
  'LIST auth/approle/role': onRole('LIST', 'role'),
  [`GET ${approle}`]: onRole('GET', role),
  [`POST ${approle}`]: onRole('POST', role, () => ({ token_ttl: '10m', secret_id_num_uses: 3 })),
  [`DELETE ${approle}`]: onRole('DELETE', role),
  [`GET ${approle}/role-id`]: onRole('GET', `${role}/role-id`),
  [`POST ${approle}/role-id`]: onRole('POST', `${role}/role-id`, ({ name }) => ({ role_id: `own-${name}` })),
  [`POST ${approle}/secret-id`]: onRole('POST', `${role}/secret-id`, () => ({ metadata: '{"a":"b"}', ttl: '1h' })),
  [`LIST ${approle}/secret-id`]: onRole('LIST', `${role}/secret-id`),
  [`POST ${approle}/custom-secret-id`]: onRole('POST', `${role}/custom-secret-id`, () => ({ secret_id: 'my own' })),
  [`POST ${approle}/secret-id/lookup`]: onRole('POST', `${role}/secret-id/lookup`, secretId),
  [`POST ${approle}/secret-id/destroy`]: onRole('POST', `${role}/secret-id/destroy`, secretId),
  [`DELETE ${approle}/secret-id/destroy`]: onRole('DELETE', `${role}/secret-id/destroy`, secretId),
  [`POST ${approle}/secret-id-accessor/lookup`]: onRole('POST', `${role}/secret-id-accessor/lookup`, accessor),
  [`POST ${approle}/secret-id-accessor/destroy`]: onRole('POST', `${role}/secret-id-accessor/destroy`, accessor),
  [`DELETE ${approle}/secret-id-accessor/destroy`]: onRole('DELETE', `${role}/secret-id-accessor/destroy`, accessor),
  [`GET ${approle}/:member`]: onRole('GET', `${role}/policies`),
  [`POST ${approle}/:member`]: onRole('POST', `${role}/token-ttl`, () => ({ token_ttl: '5m' })),
  [`DELETE ${approle}/:member`]: onRole('DELETE', `${role}/secret-id-num-uses`),
  'POST auth/approle/tidy/secret-id': async (doors) => () => doors.vault('POST', 'auth/approle/tidy/secret-id'),
  'POST auth/approle/login': onRole('POST', 'login', (made) => ({ role_id: made.roleId, ...secretId(made) })),
  [`LIST ${users}`]: onUser('LIST', 'users'),
  [`GET ${users}/:name`]: onUser('GET', 'users/:name'),
  [`POST ${users}/:name`]: onUser('POST', 'users/:name', { token_ttl: '10m' }),
  [`DELETE ${users}/:name`]: onUser('DELETE', 'users/:name'),
  [`POST ${users}/:name/password`]: onUser('POST', 'users/:name/password', { password: 'battery staple' }),
  [`POST ${users}/:name/policies`]: onUser('POST', 'users/:name/policies', { policies: 'one,two' }),
  'POST auth/userpass/login/:name': onUser('POST', 'login/:name', { password }),
  'POST sys/wrapping/wrap': async (doors) => () =>
    doors.vault('POST', 'sys/wrapping/wrap', { a: 'b' }, undefined, '60'),
  'POST sys/wrapping/unwrap': wrapped('POST', 'sys/wrapping/unwrap'),
  'POST sys/wrapping/lookup': wrapped('POST', 'sys/wrapping/lookup'),
  'GET sys/wrapping/lookup': wrapped('GET', 'sys/wrapping/lookup'),
  'POST sys/wrapping/rewrap': wrapped('POST', 'sys/wrapping/rewrap'),
};
