import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordKinds } from '#domain/domain.ts';
import { fromBase64 } from '#encoding/encoding.ts';
import { operations as awsOperations } from '#wire/aws-kms/operations.ts';
import { batch } from '#wire/aws-secrets-manager/batch.ts';
import { operations as secretOperations } from '#wire/aws-secrets-manager/operations.ts';
import { operations as stsOperations } from '#wire/aws-sts/operations.ts';
import { operations as nativeOperations } from '#wire/native/operations.ts';
import { operations as vaultOperations } from '#wire/vault/operations.ts';
import { awsCases } from './testing/aws-cases.ts';
import { type Cases, canaries } from './testing/cases.ts';
import { type Answer, Doors } from './testing/doors.ts';
import { byId, House, passphrase, textOf } from './testing/house.ts';
import { loginCases } from './testing/login-cases.ts';
import { mountCases } from './testing/mount-cases.ts';
import { nativeCases } from './testing/native-cases.ts';
import { proofCases } from './testing/proof-cases.ts';
import { roleCases, stsCases } from './testing/role-cases.ts';
import { secretCases } from './testing/secret-cases.ts';
import { sysCases } from './testing/sys-cases.ts';
import { tokenLoginCases } from './testing/token-login-cases.ts';
import { transferCases } from './testing/transfer-cases.ts';
import { vaultCases } from './testing/vault-cases.ts';

const everyNative = { ...nativeCases, ...roleCases };
const everyVault = {
  ...vaultCases,
  ...loginCases,
  ...mountCases,
  ...sysCases,
  ...transferCases,
  ...proofCases,
  ...tokenLoginCases,
};

const every: ReadonlyArray<readonly [door: string, cases: Cases]> = [
  ['AWS KMS', awsCases],
  ['AWS Secrets Manager', secretCases],
  ['Vault', everyVault],
  ['STS', stsCases],
  ['native', everyNative],
];

/** Rows that never succeed: they say what isn't offered. */
const absent =
  /^sys\/remount$|^sys\/namespaces:delete$|^sys\/leases\/renew|^sys\/(?:init|audit(?:-hash)?:(?:post|delete)|config\/(?:cors:(?:post|delete)|ui|auditing\/request-headers\/)|key-status|rotate(?::|\/keyring|\/config)|rekey\/(?:backup|recovery)|rekey-recovery|step-down)/;

/** What proves these requests is in them; no token of the asking one's is needed. */
const ownProof =
  /^POST auth\/(?:approle|userpass|cert|kubernetes|jwt)\/login|auth\/jwt\/oidc|sys\/wrapping\/(?:unwrap|lookup|rewrap)$/;

/** Of AWS KMS: there is no key store that anything could be done with. */
const neverDone = /CustomKeyStore$/;

test('every row of every table has its case, and no case is of no row', () => {
  const awsRows = Object.keys(awsOperations).filter((name) => !neverDone.test(name));
  assert.deepEqual(Object.keys(awsCases).sort(), awsRows.sort());
  assert.deepEqual(Object.keys(secretCases).sort(), [...Object.keys(secretOperations), batch.name].sort());
  const vaultRows = vaultOperations
    .filter(({ operation }) => !absent.test(operation))
    .map(({ method, paths }) => `${method} ${paths[0]}`);
  assert.deepEqual(Object.keys(everyVault).sort(), vaultRows.sort());
  const nativeRows = Object.keys(nativeOperations).filter((template) => template !== 'GET /status');
  assert.deepEqual(Object.keys(everyNative).sort(), nativeRows.sort());
  assert.deepEqual([...Object.keys(stsCases), 'AssumeRoleWithWebIdentity'].sort(), Object.keys(stsOperations).sort());
});

/** A batch answers what it refuses of its parts beside what it doesn't. */
const isSuccess = ({ status, text }: Answer) => status >= 200 && status < 300 && !text.includes('"ErrorCode"');

/** What memory and disk say of keys must be the same. */
async function assertMemoryIsDisk(house: House): Promise<void> {
  if (house.gate.status().sealed) return;
  for (const { id, revision } of await house.list('key')) {
    const key = await house
      .perform({ kind: 'describe-key', key: { by: 'id', id: id.split('/')[1]! } })
      .catch(() => undefined);
    // A key of the same id in another region is another row.
    if (key !== undefined && id.startsWith(`${key.key.realm}/`))
      assert.equal(key.key.revision, revision, `memory holds key ${id} at another revision`);
  }
}

for (const fault of ['storage-full', 'unavailable'] as const) {
  for (const [door, cases] of every) {
    test(`${door}: no operation succeeds, and none changes anything, where the disk is ${fault}`, async () => {
      const house = await House.open();
      const doors = new Doors(house);
      for (const [name, ready] of Object.entries(cases)) {
        const send = await ready(doors);
        const [rows, size, sealed] = [await house.rows(), house.ledgerSize, house.gate.status().sealed];
        house.store.broken = fault;
        const answer = await send();
        house.store.broken = undefined;
        assert.ok(answer.status >= 500, `${name} answered ${answer.status}: ${answer.text}`);
        for (const secret of Object.values(canaries)) assert.ok(!answer.text.includes(secret), name);
        assert.deepEqual(await house.rows(), rows, name);
        assert.equal(house.ledgerSize, size, name);
        assert.equal(house.gate.status().sealed, sealed, name);
        // The same request does it once the disk is well: what failed was the disk, and memory forgot nothing.
        const again = await send();
        assert.ok(isSuccess(again), `${name} answered ${again.status}: ${again.text}`);
        assert.ok(house.ledgerSize > size, name);
        if (house.gate.status().sealed) await house.unseal();
      }
      await assertMemoryIsDisk(house);
      await house.assertLedgerVerifies();
      const next = await house.reopen();
      await next.unseal();
    });
  }
}

for (const [door, cases] of every) {
  test(`${door}: every answer has its line, success and refusal alike`, async () => {
    const house = await House.open();
    const doors = new Doors(house);
    const nobody = await house.hire('nobody');
    for (const [name, ready] of Object.entries(cases)) {
      const send = await ready(doors);
      const before = house.ledgerSize;
      const sealing = /^POST (?:sys)?\/seal$/.test(name);
      const answer = await send();
      assert.ok(isSuccess(answer), `${name} answered ${answer.status}: ${answer.text}`);
      // To wrap what was sent is to find out who asks, and then to keep it.
      assert.equal(house.ledgerSize - before, name.endsWith('wrapping/wrap') ? 2 : 1, name);
      const line = (await house.entries(house.ledgerSize - 1))[0]!;
      assert.equal(line.outcome, 'ok', name);
      if (ownProof.test(name)) assert.match(line.principal, /^(?:login-\d+|anonymous)$/, name);
      else assert.equal(line.principal, /^POST (?:sys)?\/unseal$/.test(name) ? '' : 'founder', name);
      if (sealing) await house.unseal();

      // The same by somebody who was granted nothing, and by nobody at all.
      const first = house.first;
      for (const [who, set] of [
        ['nobody', nobody],
        ['a stranger', { ...nobody, accessKeyId: 'CLAVAAAAAAAAAAAAAAAA', token: textToken('clv.unknown') }],
      ] as const) {
        const refusing = await ready(doors);
        const wasSealed = house.gate.status().sealed;
        house.first = set;
        const size = house.ledgerSize;
        const refusal = await refusing();
        house.first = first;
        const entries = await house.entries(size);
        const itself = isSuccess(refusal);
        assert.equal(entries.length, itself && name.endsWith('wrapping/wrap') ? 2 : 1, `${name} by ${who}`);
        assert.equal(entries[0]!.outcome === 'ok', itself, `${name} by ${who}: ${refusal.text}`);
        if (who === 'a stranger' && !wasSealed && !name.endsWith('-self') && !ownProof.test(name))
          assert.ok(!itself, `${name} by ${who}`);
        if (house.gate.status().sealed) await house.unseal();
      }
    }
    await house.assertLedgerVerifies();
  });
}

function textToken(text: string) {
  return { release: () => Buffer.from(text) } as never;
}

test('no secret of any operation is in a ledger line, a row, the log, the metrics or an error', async () => {
  const house = await House.open();
  const doors = new Doors(house);
  const secrets = new Map<string, string>(Object.entries(canaries));
  const errors: string[] = [];
  secrets.set('passphrase', passphrase);
  const keep = (name: string, text?: string) => text && secrets.set(name, text);
  keep('token', textOf(house.first.token));
  keep('secret access key', textOf(house.first.secretAccessKey));
  for (const [door, cases] of every) {
    for (const [name, ready] of Object.entries(cases)) {
      const send = await ready(doors);
      const { json } = await send();
      const fields = json as Record<string, string> & { data?: Record<string, string>; auth?: Record<string, string> };
      const at = `${door} ${name}`;
      if (/DataKey|GenerateRandom/.test(name)) keep(`${at} plaintext`, fields.Plaintext ?? fields.PrivateKeyPlaintext);
      keep(at, fields.RandomPassword);
      if (/datakey|transit.random/.test(name)) keep(at, fields.data?.plaintext ?? fields.data?.random_bytes);
      if (/data-key/.test(name)) keep(at, fields.plaintext);
      keep(`${at} secret key`, fields.secretAccessKey);
      // A new passphrase, and what hides a token.
      if (/rekey/.test(name)) keep(`${at} keys`, fields.keys?.[0]);
      keep(`${at} pad`, fields.otp);
      keep(`${at} token`, fields.token ?? fields.auth?.client_token);
      // Each once more when it can't be done: over a sealed server, which refuses everything but its unsealing.
      if (house.gate.status().sealed) await house.unseal();
      const refusing = await ready(doors);
      if (!house.gate.status().sealed) await house.perform({ kind: 'seal' });
      const refusal = await refusing();
      if (!isSuccess(refusal)) errors.push(refusal.text);
      if (house.gate.status().sealed) await house.unseal();
    }
  }
  const doomed = await doors.aws('Decrypt', { CiphertextBlob: Buffer.from(canaries.plaintext).toString('base64') });
  errors.push(doomed.text);
  const forms = [...secrets].flatMap(([name, text]) => {
    const raw = fromBase64(text);
    const bytes = [Buffer.from(text), ...(raw !== undefined && raw.length >= 12 ? [Buffer.from(raw)] : [])];
    return bytes.flatMap((one) => [
      [name, one.toString('latin1')] as const,
      [name, one.toString('base64').replace(/=+$/, '')] as const,
      [name, one.toString('hex')] as const,
    ]);
  });
  assert.ok(forms.length > 80);
  const rows = await Promise.all(recordKinds.map(house.list));
  const outputs: ReadonlyArray<readonly [what: string, text: string]> = [
    [
      'ledger',
      (await house.store.ledger(0, 1e9)).blocks.map(({ bytes }) => Buffer.from(bytes).toString('latin1')).join('\n'),
    ],
    ['ledger entries', JSON.stringify(await house.entries())],
    [
      'rows',
      rows
        .flat()
        .map(({ id, body }) => `${id} ${Buffer.from(body).toString('latin1')}`)
        .join('\n'),
    ],
    ['log', house.log.join('\n')],
    ['metrics', house.metrics.text()],
    ['errors', errors.join('\n')],
  ];
  assert.ok(errors.length > 60);
  for (const [what, text] of outputs) {
    for (const [name, form] of forms) assert.ok(!text.includes(form), `the ${what} hold the ${name}`);
  }
});

test('the parts of the server print no secret', async () => {
  const house = await House.open();
  const key = await house.key();
  await house.encrypt(key, canaries.plaintext);
  const { inspect } = await import('node:util');
  const { rooms } = house.gate.core;
  const printed = inspect(
    { rooms, key, house, first: house.first },
    { depth: 12, showHidden: true, maxArrayLength: 1e6 },
  );
  for (const secret of [rooms.keyring.identityKey, rooms.keyring.ledgerSeed]) {
    const bytes = Buffer.from(secret.expose());
    assert.ok(!printed.includes(bytes.toString('hex')));
    assert.ok(!printed.includes([...bytes].join(', ')));
  }
  assert.ok(!printed.includes(textOf(house.first.token)));
  assert.deepEqual((await house.perform({ kind: 'describe-key', key: byId(key) })).key.id, key.id);
});
