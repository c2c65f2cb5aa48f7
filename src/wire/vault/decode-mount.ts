import { type Command, KmsError, type Mount, type MountTuning } from '#domain/domain.ts';
import type { JsonObject } from '#wire/common/common.ts';
import { PlacedError } from './errors.ts';
import { boolean, objectIn, refuseOthers, seconds, text } from './fields.ts';
import { withoutOuterSlashes } from './names.ts';
import type { Input } from './row.ts';

/** The requests of `sys/mounts` (Vault HTTP API, "/sys/mounts"). */

const refused = (why: string) => new PlacedError(400, 'invalid-parameter', why);

export const pathOf = ({ path }: Input): string => path.rest ?? '';

/** Clients that fill the path in from the body send the same twice. */
const inPath = ['path', 'mount_point'];

function assertSamePath(input: Input): void {
  for (const name of inPath) {
    const given = text(input.body, name);
    if (given !== undefined && withoutOuterSlashes(given) !== pathOf(input)) {
      throw refused(`"${name}" is another mount than the path's.`);
    }
  }
}

function version(options: JsonObject): 1 | 2 | undefined {
  refuseOthers(options, ['version']);
  const given = Object.hasOwn(options, 'version') ? options.version : undefined;
  if (given === undefined || given === null || given === '') return undefined;
  if (String(given) === '1') return 1;
  if (String(given) === '2') return 2;
  throw refused('There are versions 1 and 2 of the kv engine.');
}

/** Milliseconds; 0, and Vault's word for it: as long as usual. */
function lease(body: JsonObject, name: string): number | undefined {
  if (Object.hasOwn(body, name) && body[name] === 'system') return 0;
  const given = seconds(body, name);
  return given === undefined ? undefined : given * 1000;
}

/** Undefined: not spoken of. */
function listing(body: JsonObject): 'hidden' | null | undefined {
  const given = Object.hasOwn(body, 'listing_visibility') ? body.listing_visibility : undefined;
  if (given === undefined || given === null) return undefined;
  if (given === '') return null;
  if (given === 'hidden') return 'hidden';
  if (given === 'unauth') throw new KmsError('unsupported', 'Mounts are shown to nobody without a token.');
  throw refused(`invalid listing_visibility ${String(given).slice(0, 64)}`);
}

const tunable = ['default_lease_ttl', 'max_lease_ttl', 'listing_visibility'];

function tuning(body: JsonObject): Partial<Pick<MountTuning, 'defaultTtl' | 'maxTtl'>> {
  const [defaultTtl, maxTtl] = [lease(body, 'default_lease_ttl'), lease(body, 'max_lease_ttl')];
  return { ...(defaultTtl !== undefined && { defaultTtl }), ...(maxTtl !== undefined && { maxTtl }) };
}

const engines: Readonly<Record<string, Pick<Mount, 'engine' | 'version'>>> = {
  transit: { engine: 'transit' },
  kv: { engine: 'kv' },
  'kv-v1': { engine: 'kv', version: 1 },
  'kv-v2': { engine: 'kv', version: 2 },
};

export function decodeEnableMount(input: Input): Command<'enable-mount'> {
  const { body } = input;
  assertSamePath(input);
  refuseOthers(body, [...inPath, 'type', 'description', 'config', 'options', 'seal_wrap']);
  const type = text(body, 'type');
  if (type === undefined) throw refused('backend type must be specified as a string');
  const kind = Object.hasOwn(engines, type) ? engines[type]! : undefined;
  if (kind === undefined) throw refused(`plugin not found in the catalog: ${type.slice(0, 64)}`);
  const config = objectIn(body, 'config') ?? {};
  refuseOthers(config, tunable);
  const asked = version(objectIn(body, 'options') ?? {});
  if (asked !== undefined && kind.engine !== 'kv') throw refused('Only mounts of kv have a version.');
  if (asked !== undefined && kind.version !== undefined && asked !== kind.version) {
    throw refused(`A mount of type ${type} is of version ${kind.version}.`);
  }
  const shown = listing(config);
  return {
    kind: 'enable-mount',
    path: pathOf(input),
    description: text(body, 'description') ?? '',
    sealWrap: boolean(body, 'seal_wrap') ?? false,
    ...tuning(config),
    ...(shown && { listing: shown }),
    ...kind,
    ...(asked !== undefined && { version: asked }),
  };
}

export function decodeTuneMount(input: Input): Command<'tune-mount'> {
  const { body } = input;
  assertSamePath(input);
  refuseOthers(body, [...inPath, ...tunable, 'description', 'options']);
  const description = Object.hasOwn(body, 'description') ? (text(body, 'description') ?? '') : undefined;
  const asked = version(objectIn(body, 'options') ?? {});
  const shown = listing(body);
  return {
    kind: 'tune-mount',
    path: pathOf(input),
    ...(description !== undefined && { description }),
    ...tuning(body),
    ...(shown !== undefined && { listing: shown }),
    ...(asked !== undefined && { version: asked }),
  };
}
