import type { Json } from './play.ts';

/** Values that vary from run to run or from server to server by their nature, by the shape of the value. */
const shapes: ReadonlyArray<readonly [RegExp, string | ((text: string) => string)]> = [
  [/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, '<uuid>'],
  [/^(?!0001-)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/, '<time>'],
  [/^vault:v\d+:/, (text) => `<vault:${text.split(':')[1]}>`],
  [/^-----BEGIN [A-Z ]+-----/, (text) => `<PEM of ${/BEGIN ([A-Z ]+)-/.exec(text)![1]}>`],
  [/^(?:s|b|hvs|hvb|clv)\.[\w.-]{20,}$/, '<token>'],
];

/** The same by the member's name. */
const members: ReadonlyMap<string, (value: string) => string> = new Map([
  ...['accessor', 'secret_id_accessor', 'wrapped_accessor', 'token_accessor', 'mount_accessor'].map(
    (name) => [name, () => '<accessor>'] as const,
  ),
  ...['version', 'build_date', 'cluster_name', 'cluster_id', 'running_plugin_version', 'plugin_version'].map(
    (name) => [name, () => `<${name}>`] as const,
  ),
  ...['random_bytes', 'public_key', 'publickey'].map(
    (name) => [name, (value: string) => (value.startsWith('<') ? value : `<${value.length} characters>`)] as const,
  ),
  ['backup', () => '<backup>'],
  ['nonce', (value) => (value === '' ? '' : '<nonce>')],
]);

/** Seconds that run down while the script is played, told in whole minutes. */
const runningDown = new Set(['ttl', 'lease_duration', 'creation_ttl', 'secret_id_ttl']);

export function inKinds(value: Json, name = '', holder: Json = null): Json {
  if (typeof value === 'string') return textInKinds(value, name, holder);
  if (typeof value === 'number') {
    if (runningDown.has(name)) return Math.ceil(value / 60) * 60;
    return value > 1_600_000_000 && value < 4_200_000_000 ? '<seconds>' : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => inKinds(item, '', value));
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, item]) => [key, inKinds(item, key, value as Json)]));
}

function textInKinds(value: string, name: string, holder: Json): string {
  let kind = value;
  for (const [shape, told] of shapes) {
    if (shape.test(value)) kind = typeof told === 'string' ? told : told(value);
  }
  if (Array.isArray(holder) && /^(?:[A-Za-z0-9]{24}|CLT[A-Z2-7]{17})$/.test(value)) return '<accessor>';
  if (name === 'id' && value === 'root') return '<token>';
  // A data key is told beside its ciphertext, an exported key under its version's number.
  const beside = typeof holder === 'object' && holder !== null && Object.hasOwn(holder, 'ciphertext');
  if (name === 'plaintext' && beside) return `<${value.length} characters>`;
  if (/^\d+$/.test(name) && kind === value) return `<${value.length} characters>`;
  return members.get(name)?.(kind) ?? kind;
}
