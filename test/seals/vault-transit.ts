/** Vault's transit engine, as OpenBao has it. */
import { bao, type OpenBao, startOpenBao } from '../openbao.ts';
import { relayTo } from '../relay.ts';
import type { SealBackend } from './seal-backend.ts';

export const vaultTransitAbsent: string | undefined = bao.missing === false ? undefined : bao.missing;

export interface VaultTransitBackend extends SealBackend {
  /** Past the relay, as root. */
  readonly server: OpenBao;
  /** A token that may encrypt and decrypt with the keys `seal` and `other`. */
  newToken(ttl?: string): Promise<string>;
}

const policy = ['seal', 'other']
  .flatMap((key) => [`transit/encrypt/${key}`, `transit/decrypt/${key}`])
  .map((path) => `path "${path}" { capabilities = ["update"] }`)
  .join('\n');

export async function startVaultTransit(): Promise<VaultTransitBackend> {
  const server = await startOpenBao();
  const relay = await relayTo(Number(new URL(server.url).port));
  for (const key of ['seal', 'other']) await server.call('POST', `transit/keys/${key}`);
  await server.call('POST', 'sys/policies/acl/seal', { policy });
  const newToken = async (ttl = '1h') => {
    const made = await fetch(`${server.url}/v1/auth/token/create`, {
      method: 'POST',
      headers: { 'x-vault-token': server.token },
      body: JSON.stringify({ policies: ['seal'], ttl, no_parent: true }),
    });
    const { auth } = (await made.json()) as { auth: { client_token: string } };
    return auth.client_token;
  };
  const address = `http://127.0.0.1:${relay.port}`;
  return {
    kind: 'vault-transit',
    settings: { address, key: 'seal' },
    otherSettings: { address, key: 'other' },
    env: { VAULT_TOKEN: await newToken() },
    wrongEnv: { VAULT_TOKEN: 's.nobody-has-this-one' },
    server,
    newToken,
    breakOff: relay.cut,
    hold: relay.hold,
    mend: relay.mend,
    async stop() {
      await relay.close();
      await server.stop();
    },
  };
}
