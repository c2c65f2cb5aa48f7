import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { ApiError, ClavigerClient } from '#client/client.ts';
import { type RunningServer, startServer } from '../harness.ts';

let server: RunningServer;
let client: ClavigerClient;

before(async () => {
  server = await startServer();
  const env = await server.env();
  tls.setDefaultCACertificates([readFileSync(env.CLAVIGER_CACERT!, 'utf8')]);
  client = new ClavigerClient({ url: server.url, token: env.CLAVIGER_TOKEN! });
});
after(() => server?.stop());

const refusedWith = (code: string) => (error: unknown) => error instanceof ApiError && error.code === code;

/** What there is to be done about the root, its seals, and what becomes of all when it is lost. */
async function changeTheRoot({ seals, root, backups }: ClavigerClient, secret: string, folder: string): Promise<void> {
  const opener = { secret };
  const [second, third] = ['a second passphrase', 'a third passphrase'];
  await seals.add('second', 'passphrase', { settings: {}, secret: second, opener });
  assert.equal((await seals.prove('second', second)).proven, true);
  await seals.rotate('second', { settings: {}, secret: third, opener });
  assert.equal((await seals.list()).length, 2);
  assert.equal((await seals.remove('second')).length, 1);
  assert.deepEqual(await seals.acknowledgements(), []);
  await assert.rejects(seals.acknowledge('nobody said this'), ApiError);
  await root.rotate();
  while ((await root.status()).rotating) await sleep(50);
  await backups.take();
  await backups.schedule({ every: 86_400, to: folder, keep: 2 });
  assert.equal((await backups.status()).schedule?.keep, 2);
  await backups.unschedule();
  await assert.rejects(backups.confirmRestore(), ApiError);
}

test('every operation of the API is answered through the client, and each leaves its line', async () => {
  const plaintext = crypto.getRandomValues(new Uint8Array(100));
  const context = [
    ['a', '1'],
    ['__proto__', 'x'],
  ] as const;

  const key = await client.createKey({ name: 'api/one', tags: { a: 'b' }, deletionAllowed: true });
  assert.equal((await client.describeKey('api/one')).key.id, key.id);
  assert.equal(await client.lastUse(key.id), undefined);
  assert.ok((await Array.fromAsync(client.listKeys())).some(({ id }) => id === key.id));
  assert.equal((await client.updateKey(key.id, { description: 'changed' })).description, 'changed');
  assert.equal((await client.rotateKey(key.id)).version, 2);
  await client.disableKeyVersion(key.id, 1);
  await client.enableKeyVersion(key.id, 1);
  await client.disableKey(key.id);
  await client.enableKey(key.id);

  const sealed = await client.encrypt('api/one', plaintext, context);
  assert.equal(sealed.version, 2);
  assert.deepEqual((await client.decrypt(sealed.ciphertext, context.toReversed())).plaintext, plaintext);
  await assert.rejects(client.decrypt(sealed.ciphertext, []), refusedWith('invalid-ciphertext'));
  const dataKey = await client.generateDataKey(key.id, context);
  assert.equal(dataKey.plaintext.length, 32);
  assert.deepEqual((await client.decrypt(dataKey.ciphertext, context, 'api/one')).plaintext, dataKey.plaintext);

  await client.createAlias(key.id, 'api/two');
  const other = await client.createKey({});
  await client.updateAlias(other.id, 'api/two');
  assert.equal((await client.describeKey('api/two')).key.id, other.id);
  assert.ok((await Array.fromAsync(client.listAliases())).some(({ name }) => name === 'api/two'));
  await client.deleteAlias('api/two');
  await client.scheduleDestruction(other.id, 7);
  await client.cancelDestruction(other.id);
  await client.destroyKey(key.id);
  await assert.rejects(client.encrypt(key.id, plaintext), ApiError);

  assert.match((await client.createRealm('second')).account, /^\d{12}$/);
  assert.equal((await client.createRegion('abroad', 'eu-west-1')).region, 'eu-west-1');
  assert.equal((await Array.fromAsync(client.listRealms())).length, 3);
  const spread = await client.createKey({ multiRegion: true });
  const replica = await client.replicateKey(spread.id, 'eu-west-1');
  assert.deepEqual(replica.multiRegion, { primary: spread.realm, replicas: [replica.realm] });
  assert.equal((await client.updatePrimaryRegion(spread.id, 'eu-west-1')).multiRegion?.primary, replica.realm);
  const made = await client.createIdentity({ name: 'ida', role: 'auditor', groups: ['g'] });
  const more = await client.createCredentials('ida', { ttlSeconds: 60 });
  assert.notEqual(more.token, made.token);
  const ida = new ClavigerClient({ url: server.url, token: more.token });
  assert.equal((await ida.lookupToken()).identity, 'ida');
  await client.revokeCredential(more.tokenAccessor);
  await assert.rejects(ida.lookupToken(), ApiError);
  assert.ok((await Array.fromAsync(client.listIdentities())).some(({ name }) => name === 'ida'));
  const grant = await client.createGrant({ grantee: 'ida', role: 'key-user', names: 'api/*', ttlSeconds: 60 });
  assert.ok((await Array.fromAsync(client.listGrants())).some(({ id }) => id === grant.id));
  await client.revokeGrant(grant.id);
  const role = await client.createRole({ name: 'visitor', role: 'auditor', identities: ['ida', 'developer'] });
  assert.ok((await Array.fromAsync(client.listRoles())).some(({ id }) => id === role.id));
  assert.equal((await client.assumeRole('visitor', { sessionName: 'visit' })).role, 'visitor');
  await client.deleteRole('visitor');
  const { publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const jwks = { keys: [{ ...(await crypto.subtle.exportKey('jwk', publicKey)), kid: 'one', use: 'sig' }] };
  const issuer = 'https://issuer.example';
  await client.registerProvider({ issuer, audiences: ['claviger'], jwks });
  assert.ok((await Array.fromAsync(client.listProviders())).some((provider) => provider.issuer === issuer));
  await client.deleteProvider(issuer);
  assert.equal((await client.callerIdentity()).name, 'developer');
  assert.equal((await client.explainAccess('first', { principal: 'ida', action: 'decrypt' })).allowed, false);
  await client.disableIdentity('ida');

  const token = await client.createToken({ ttlSeconds: 600, renewable: true, label: 'child' });
  const child = new ClavigerClient({ url: server.url, token: token.token });
  assert.ok((await child.renewToken('self', 300)).expiresAt);
  await child.revokeToken();
  await assert.rejects(child.lookupToken(), ApiError);

  const secret = readFileSync(join(server.data, 'dev-passphrase'), 'utf8');
  await changeTheRoot(client, secret, join(server.data, 'scheduled'));

  assert.match(await client.metrics(), /^# TYPE claviger_/m);
  const { checkpoint, verifierKey } = await client.readCheckpoint();
  assert.ok(checkpoint.startsWith(verifierKey.split('+')[0]!));
  assert.equal((await client.proveAudit(0)).index, 0);

  const lines = await client.readAudit(0, 1000);
  const seen = new Set(lines.entries.map(({ operation }) => operation));
  const { operations } = (await (await fetch(`${server.url}/claviger/v1/`)).json()) as {
    operations: ReadonlyArray<{ operation: string; action: string }>;
  };
  const quiet = ['read-status', 'seal', 'unseal', 'read-audit'];
  // Asked by `claviger migrate` alone, as bytes that it can wipe; its own journeys try them.
  const ofMigrations = ['get-wrapping-key', 'import-key-versions', 'import-secret'];
  const elsewhere = [...quiet, ...ofMigrations];
  const missing = operations.filter(
    ({ operation, action }) => !elsewhere.includes(action) && !seen.has(operation.replace('/claviger/v1', '')),
  );
  assert.deepEqual(missing, []);
});

test('a raw key makes bare ciphertexts, which open by key and version alone', async () => {
  const plaintext = crypto.getRandomValues(new Uint8Array(100));
  const key = await client.createKey({ name: 'api/raw', class: 'raw' });
  assert.equal(key.class, 'raw');
  const { ciphertext } = await client.encrypt('api/raw', plaintext);
  assert.equal(ciphertext.length, 12 + 100 + 16);
  assert.deepEqual((await client.decrypt(ciphertext, [], key.id)).plaintext, plaintext);
  await client.rotateKey(key.id);
  assert.deepEqual((await client.decrypt(ciphertext, [], key.id, 1)).plaintext, plaintext);
  await assert.rejects(client.decrypt(ciphertext, [], key.id), refusedWith('invalid-ciphertext'));
  await assert.rejects(client.decrypt(ciphertext), refusedWith('invalid-ciphertext'));
  await assert.rejects(client.encrypt(key.id, plaintext, [['a', '1']]), refusedWith('invalid-parameter'));
  await assert.rejects(client.generateDataKey(key.id), refusedWith('unsupported'));
});

test('nobody reads metrics, keys or the ledger without a proof, and the refusal is a line', async () => {
  const nobody = new ClavigerClient({ url: server.url });
  assert.equal((await nobody.status()).ready, true);
  for (const ask of [() => nobody.metrics(), () => Array.fromAsync(nobody.listKeys()), () => nobody.readAudit(0, 1)]) {
    await assert.rejects(ask(), refusedWith('unauthenticated'));
  }
  const { size } = await client.readAudit(0, 1);
  const { entries } = await client.readAudit(Math.max(0, size - 10), 20);
  assert.ok(entries.some(({ action, outcome }) => action === 'read-metrics' && outcome === 'unauthenticated'));
});

test('an error says which ledger line tells more', async () => {
  const error = await client.describeKey('absent').then(
    () => assert.fail('there is no such key'),
    (refusal: unknown) => refusal,
  );
  assert.ok(error instanceof ApiError);
  const { size } = await client.readAudit(0, 1);
  const { entries } = await client.readAudit(Math.max(0, size - 10), 20);
  assert.ok(entries.some(({ requestId, outcome }) => requestId === error.requestId && outcome === error.code));
});

test('a body over the limit of its operation is refused in our own form', async () => {
  const { CLAVIGER_TOKEN } = await server.env();
  const response = await fetch(`${server.url}/claviger/v1/realms`, {
    method: 'POST',
    headers: { authorization: `Bearer ${CLAVIGER_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'x'.repeat(5000) }),
  });
  assert.equal(response.status, 413);
  assert.equal(((await response.json()) as { error: { code: string } }).error.code, 'too-large');
});
