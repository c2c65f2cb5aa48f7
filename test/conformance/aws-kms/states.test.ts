import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import * as sdk from '@aws-sdk/client-kms';
import { operations } from '#wire/aws-kms/operations.ts';
import type { Ask, Fields } from '../clients/clients.ts';
import { type Place, startPlace } from '../clients/place.ts';
import { importInput, kmsRequests } from '../clients/requests-kms.ts';
import { type Kind, kinds, World } from '../clients/world.ts';
import { kmsClient } from './clients.ts';
import { expected, type Material, rowOf, type Side, table, youngerOfImported } from './key-states.ts';

/** Every operation on a key in every state, as AWS' own table says it; generated, so that no cell is forgotten. */

const skip =
  table === undefined && 'skipped: research/lifecycle.json, which holds the table of AWS, is not beside this checkout';
const offered = new Set<string>(Object.keys(operations));

/** What this door answers otherwise than the table; DIVERGENCES.md says the same, under 'Key states'. */
const differences: ReadonlyArray<readonly [operation: string, state: string, aws: string, here: string]> = [];

let place: Place;
let kms: sdk.KMS;
let ask: Ask;

before(async () => {
  if (skip) return;
  place = await startPlace();
  kms = kmsClient(await place.server.env());
  ask = async (_, operation, input = {}) => {
    // biome-ignore lint/suspicious/noExplicitAny: the operation is known by its name only.
    const Command = (sdk as any)[`${operation}Command`];
    return (await kms.send(new Command(input))) as Fields;
  };
});

after(async () => {
  kms?.destroy();
  await place?.server.stop();
});

/** A world whose keys have imported material, which can be imported once more. */
class ImportingWorld extends World {
  material: Buffer = randomBytes(32);

  override async key(kind: Kind = {}): Promise<string> {
    if (kind.KeySpec !== undefined) {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      this.material = privateKey.export({ format: 'der', type: 'pkcs8' });
    }
    await super.key({ ...kind, ...kinds.external });
    await this.kms('ImportKeyMaterial', await importInput(this.subject, this, this.material));
    return this.subject;
  }
}

/** No key with imported material can be what these need: DIVERGENCES.md says so of keys in several regions. */
const neverImported = new Set(['Decapsulate', 'Encapsulate', 'ReplicateKey', 'UpdatePrimaryRegion']);

const states: Readonly<Record<string, (KeyId: string) => Promise<unknown>>> = {
  Enabled: async () => {},
  Disabled: (KeyId) => kms.disableKey({ KeyId }),
  PendingDeletion: (KeyId) => kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 }),
  PendingImport: (KeyId) => kms.deleteImportedKeyMaterial({ KeyId }),
};

/** The operation without which no key comes into the state. */
const needs: Readonly<Record<string, string>> = { PendingImport: 'DeleteImportedKeyMaterial' };

/** A world whose keys may have replicas in the other region. */
class ManyRegionsWorld extends World {
  override key(kind: Kind = {}): Promise<string> {
    return super.key({ ...kind, ...kinds.multiRegion });
  }
}

type Input = (world: World) => Promise<Fields>;

/** What asks for imported material, of whatever key the world makes. */
const importing: Readonly<Record<string, Input>> = {
  GetParametersForImport: async (world) => ({
    ...{ KeyId: await world.key(), WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' },
  }),
  ImportKeyMaterial: async (world) => {
    const KeyId = await world.key();
    if (world instanceof ImportingWorld) return importInput(KeyId, world, world.material);
    return { ...(await importInput(await world.otherKey(kinds.external), world)), KeyId };
  },
  DeleteImportedKeyMaterial: async (world) => ({ KeyId: await world.key() }),
};

/** The requests of an operation: where one names two keys, the key is asked on each side. */
function sides(operation: string): ReadonlyArray<readonly [side: Side, input: Input]> {
  const { input } = kmsRequests[operation]!;
  if (operation === 'ReEncrypt') {
    const to: Input = async (world) => ({
      CiphertextBlob: await world.encrypted(await world.otherKey()),
      DestinationKeyId: await world.key(),
    });
    return [
      ['from', input],
      ['to', to],
    ];
  }
  if (operation === 'UpdateAlias') {
    const from: Input = async (world) => ({
      AliasName: await world.alias(await world.key()),
      TargetKeyId: await world.otherKey(),
    });
    return [
      ['from', from],
      ['to', input],
    ];
  }
  if (/Import/.test(operation)) return [[undefined, importing[operation]!]];
  return [[undefined, input]];
}

const asked: Array<readonly [string, string, string, string]> = [];

for (const operation of Object.keys(operations)) {
  const row = rowOf(operation);
  if (row === undefined || operation === 'CreateKey') continue;
  const importable = offered.has('ImportKeyMaterial') && row.PendingImport !== 'N/A' && !neverImported.has(operation);
  describe(operation, { skip }, () => {
    for (const [side, input] of sides(operation)) {
      for (const state of table!.columns) {
        const into = states[state];
        if (into === undefined || (needs[state] !== undefined && !offered.has(needs[state]))) continue;
        for (const material of ['made', 'imported'] as const) {
          if (material === 'imported' && !importable) continue;
          if (state === 'PendingImport' && material === 'made') continue;
          const cells = material === 'imported' ? (youngerOfImported[operation] ?? row) : row;
          const wanted = expected(cells[state]!, material, side);
          if (wanted === undefined) continue;
          cell(operation, side, input, state, material, wanted);
        }
      }
    }
  });
}

function cell(
  operation: string,
  side: Side,
  input: Input,
  state: string,
  material: Material,
  wanted: ReadonlySet<string>,
) {
  const of = `of a key ${side === undefined ? '' : `(${side} it) `}that is ${state}, with ${material} material`;
  const aws = [...wanted].join(' or ');
  test(`${of}: ${aws}`, async () => {
    const world = material === 'made' ? new World(ask, place) : new ImportingWorld(ask, place);
    const fields = await input(world);
    await states[state]!(world.subject);
    const here = await ask('kms', operation, fields).then(
      () => 'ok',
      (error: Error) => {
        assert.ok(error instanceof sdk.KMSServiceException, `${error}`);
        assert.equal(error.$metadata.httpStatusCode, 400, `${error}`);
        return error.name;
      },
    );
    const known = differences.find(([name, at]) => name === operation && at === state);
    if (known === undefined) return assert.ok(wanted.has(here), `${operation} ${of} answers ${here}`);
    asked.push(known);
    assert.deepEqual(known, [operation, state, aws, here]);
  });
}

/** Footnotes 2 to 4 say of it what they say of PendingDeletion. What asks for material is of keys in one region. */
describe('PendingReplicaDeletion', { skip }, () => {
  for (const operation of Object.keys(operations)) {
    const row = rowOf(operation);
    if (row === undefined || /Import|^ReplicateKey|^UpdatePrimaryRegion/.test(operation)) continue;
    for (const [side, input] of sides(operation)) {
      const wanted = expected(row.PendingDeletion!, 'made', side)!;
      test(`${operation}${side === undefined ? '' : ` ${side} it`}: ${[...wanted].join(' or ')}`, async () => {
        const world = new ManyRegionsWorld(ask, place);
        const fields = await input(world);
        const KeyId = world.subject;
        await kms.replicateKey({ KeyId, ReplicaRegion: place.otherRegion });
        const { KeyState } = await kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
        assert.equal(KeyState, 'PendingReplicaDeletion');
        const here = await ask('kms', operation, fields).then(
          () => 'ok',
          (error: Error) => error.name,
        );
        assert.ok(wanted.has(here), `${operation} answers ${here}`);
      });
    }
  }
});

test('every difference that is listed is one, and DIVERGENCES.md lists the same', { skip }, () => {
  assert.deepEqual(new Set(asked), new Set(differences));
  const page = readFileSync(new URL('../../../src/wire/aws-kms/DIVERGENCES.md', import.meta.url), 'utf8');
  const section = /^## Key states\n([^#]*)/m.exec(page)?.[1] ?? '';
  const listed = [...section.matchAll(/^\| `(\w+)` +\| `(\w+)` +\| `([^`]+)` +\| `([^`]+)` +\|$/gm)].map((row) =>
    row.slice(1),
  );
  assert.deepEqual(listed.sort(), differences.map((row) => [...row]).sort());
});

for (const state of table?.columns ?? []) {
  const reason =
    states[state] === undefined
      ? 'no key is ever in this state here'
      : needs[state] !== undefined && !offered.has(needs[state]) && `${needs[state]} is not offered`;
  const cells = Object.keys(operations).filter((operation) => rowOf(operation)).length;
  if (reason) test(`${state}: ${cells} operations`, { skip: `skipped: ${reason}` }, () => {});
}

const without = Object.keys(operations).filter((operation) => rowOf(operation) === undefined);
test(`the table has no row for ${without.join(', ')}`, { skip }, () => {
  // What AWS' table leaves out names no one key, reads only, or is younger than the table.
  assert.deepEqual(
    without.filter(
      (operation) => !/^(?:List|Describe|Create|Get|GenerateRandom|Connect|Disconnect|Delete|Update)/.test(operation),
    ),
    [],
  );
});
