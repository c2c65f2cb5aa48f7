import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { ask } from '../../../test/openbao.ts';
import { startVaultTransit, vaultTransitAbsent } from '../../../test/seals/vault-transit.ts';
import { sealContract } from '../testing/contract-suite.ts';
import { vaultTransitKind } from './vault-transit.ts';

const vault = vaultTransitAbsent === undefined ? await startVaultTransit() : undefined;
after(() => vault?.stop());
const kind = vaultTransitKind(() => vault!.env.VAULT_TOKEN);

sealContract('vault-transit by OpenBao', () => ({
  absent: vaultTransitAbsent,
  kind,
  settings: () => ({ ...vault!.settings }),
  async unreachable(during) {
    vault!.breakOff();
    try {
      await during();
    } finally {
      vault!.mend();
    }
  },
  tampered: (pinned) => [
    { what: 'another key', settings: { ...pinned, key: 'other' } },
    { what: 'another binding', settings: { ...pinned, binding: '0'.repeat(32) } },
    { what: 'no check', settings: Object.fromEntries(Object.entries(pinned).filter(([name]) => name !== 'check')) },
  ],
}));

const skip = vaultTransitAbsent ?? false;
const asRoot = vaultTransitKind(() => vault!.server.token);
const bytes = Buffer.alloc(96, 7);
const secret = () => SecretBytes.copyOf(bytes);
const refusal = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KmsError && error.code === code, String(error));
  assert.match(error.message, words);
  return true;
};
const place = (key: string) => asRoot.settings({ ...(vault?.settings ?? { address: 'https://vault.example' }), key });

/** A seal that was closed, under a key of its own. */
async function kept(key: string) {
  await vault!.server.call('POST', `transit/keys/${key}`);
  const { settings, seal } = await asRoot.create(place(key), undefined);
  using own = secret();
  const wrapped = await seal.wrap(own);
  await seal.close();
  return { settings, wrapped, key: `transit/keys/${key}` };
}

async function opens({ settings, wrapped }: Awaited<ReturnType<typeof kept>>, by = asRoot): Promise<void> {
  const seal = await by.open(settings, undefined);
  try {
    using back = await seal.unwrap(wrapped);
    assert.deepEqual(Buffer.from(back.expose()), bytes);
  } finally {
    await seal.close();
  }
}

test('vault-transit makes no key, not even for a token that might', { skip }, async () => {
  await assert.rejects(asRoot.create(place('nobody'), undefined), refusal('not-found', /nobody at .* not there/));
  const { status } = await ask(vault!.server, 'GET', 'transit/keys/nobody');
  assert.equal(status, 404);
});

test('vault-transit opens what it wrapped before its key was rotated, as long as Vault may', { skip }, async () => {
  const seal = await kept('rotated');
  await vault!.server.call('POST', `${seal.key}/rotate`);
  await opens(seal);
  await vault!.server.call('POST', `${seal.key}/config`, { min_decryption_version: 2 });
  await assert.rejects(opens(seal), refusal('unavailable', /min_decryption_version is too high: lower it/));
  const again = await asRoot.create(seal.settings, undefined);
  await again.seal.close();
  await vault!.server.call('POST', `${seal.key}/config`, { min_decryption_version: 1 });
  await opens(seal);
});

test('vault-transit knows a key that was deleted, and another one of its name', { skip }, async () => {
  const seal = await kept('replaced');
  await vault!.server.call('POST', `${seal.key}/config`, { deletion_allowed: true });
  await vault!.server.call('DELETE', seal.key);
  await assert.rejects(opens(seal), refusal('tampered', /the key is not there/));
  await vault!.server.call('POST', seal.key);
  await assert.rejects(opens(seal), refusal('tampered', /the key is another/));
});

test('vault-transit waits for a key that was deleted softly to be restored', { skip }, async () => {
  const seal = await kept('restored');
  await vault!.server.call('DELETE', `${seal.key}/soft-delete`);
  await assert.rejects(opens(seal), refusal('unavailable', /restore it/));
  await vault!.server.call('POST', `${seal.key}/soft-delete-restore`);
  await opens(seal);
});

test('vault-transit refuses a key that takes no associated data', { skip }, async () => {
  await vault!.server.call('POST', 'transit/keys/pair', { type: 'rsa-2048' });
  await assert.rejects(asRoot.create(place('pair'), undefined), refusal('invalid-parameter', /no associated data/));
  await vault!.server.call('POST', 'transit/keys/derived', { derived: true });
  await assert.rejects(asRoot.create(place('derived'), undefined), refusal('invalid-parameter', /not derived/));
});

test('vault-transit tells a token that is refused, and never says it', { skip }, async () => {
  const { settings, seal } = await kind.create(kind.settings({ ...vault!.settings }), undefined);
  await seal.close();
  const wrong = vault!.wrongEnv.VAULT_TOKEN!;
  await assert.rejects(
    vaultTransitKind(() => wrong).open(settings, undefined),
    (error) =>
      refusal('unavailable', /the token is refused \(403\)/)(error) && !(error as Error).message.includes(wrong),
  );
  await assert.rejects(vaultTransitKind(() => undefined).open(settings, undefined), refusal('unavailable', /no token/));
});

test('vault-transit works again once its policy is given back', { skip }, async () => {
  const { settings, seal } = await kind.create(kind.settings({ ...vault!.settings }), undefined);
  await seal.close();
  const { data } = await vault!.server.call('GET', 'sys/policies/acl/seal');
  await vault!.server.call('POST', 'sys/policies/acl/seal', { policy: 'path "elsewhere" { capabilities = ["read"] }' });
  await assert.rejects(kind.open(settings, undefined), refusal('unavailable', /its policies do not allow "update"/));
  await vault!.server.call('POST', 'sys/policies/acl/seal', { policy: data.policy });
  await (await kind.open(settings, undefined)).close();
});

test('vault-transit reads its token from a file, again each time', { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'claviger-vault-token-'));
  const tokenFile = join(folder, 'token');
  const byFile = vaultTransitKind(() => undefined);
  const settings = byFile.settings({ ...vault!.settings, tokenFile });
  await assert.rejects(byFile.create(settings, undefined), refusal('unavailable', /can't be read \(ENOENT\)/));
  writeFileSync(tokenFile, 'not this one\n');
  await assert.rejects(byFile.create(settings, undefined), refusal('unavailable', /no token/));
  writeFileSync(tokenFile, `${vault!.env.VAULT_TOKEN}\n`);
  const { settings: pinned, seal } = await byFile.create(settings, undefined);
  await seal.close();
  writeFileSync(tokenFile, vault!.wrongEnv.VAULT_TOKEN!);
  await assert.rejects(byFile.open(pinned, undefined), refusal('unavailable', /token is refused/));
  writeFileSync(tokenFile, await vault!.newToken());
  await (await byFile.open(pinned, undefined)).close();
  rmSync(folder, { recursive: true });
});

test('vault-transit renews its token for as long as the process runs', { skip }, async () => {
  const token = await vault!.newToken('3s');
  const short = vaultTransitKind(() => token);
  const { settings, seal } = await short.create(short.settings({ ...vault!.settings }), undefined);
  await seal.close();
  await new Promise((resolve) => setTimeout(resolve, 5000));
  await (await short.open(settings, undefined)).close();
});

test('vault-transit gives up on a server that takes connections and says nothing', { skip }, async () => {
  const { settings, seal } = await kind.create(kind.settings({ ...vault!.settings }), undefined);
  await seal.close();
  vault!.hold();
  const began = performance.now();
  try {
    await assert.rejects(kind.open(settings, undefined), refusal('unavailable', /can't be reached|no answer/));
  } finally {
    vault!.mend();
  }
  assert.ok(performance.now() - began < 15_000);
});

test('vault-transit says that Vault is sealed', { skip }, async () => {
  const other = await startVaultTransit();
  try {
    const own = vaultTransitKind(() => other.env.VAULT_TOKEN);
    const { settings, seal } = await own.create(own.settings({ ...other.settings }), undefined);
    await seal.close();
    await other.server.call('PUT', 'sys/seal');
    await assert.rejects(own.open(settings, undefined), refusal('unavailable', /Vault is sealed/));
  } finally {
    await other.stop();
  }
});

test('vault-transit finds its key in a namespace and at a mount of another name', { skip }, async () => {
  await vault!.server.call('POST', 'sys/namespaces/team');
  await vault!.server.call('POST', 'team/sys/mounts/keys/transit', { type: 'transit' });
  await vault!.server.call('POST', 'team/keys/transit/keys/theirs');
  const there = asRoot.settings({ ...place('theirs'), namespace: 'team', mount: 'keys/transit' });
  const { settings, seal } = await asRoot.create(there, undefined);
  await seal.close();
  await (await asRoot.open(settings, undefined)).close();
  const { namespace: _, ...elsewhere } = settings;
  await assert.rejects(asRoot.open(elsewhere, undefined), refusal('unavailable', /no transit engine/));
});

test('vault-transit sends secrets nowhere without TLS but on this machine', () => {
  for (const address of ['http://10.0.0.1:8200', 'http://vault.example', 'https://vault.example/v1/secret'])
    assert.throws(() => asRoot.settings({ address, key: 'k' }), refusal('invalid-parameter', /"address"/));
  for (const mount of ['../sys', '/transit', 'a/../b', 'a//b', ''])
    assert.throws(() => asRoot.settings({ ...place('k'), mount }), refusal('invalid-parameter', /"mount"/));
});
