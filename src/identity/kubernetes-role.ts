import { KmsError, type KubernetesRole } from '#domain/domain.ts';
import { parseJson, toUtf8 } from '#encoding/encoding.ts';

const maxList = 100;
const maxText = 256;

const fresh: KubernetesRole = {
  names: [],
  namespaces: [],
  namespaceSelector: '',
  audience: '',
  aliasSource: 'serviceaccount_uid',
};

const wrong = (words: string) => new KmsError('invalid-parameter', words);

/** What the role asks for, with what it asked for before where nothing is said. Throws 'invalid-parameter'. */
export function kubernetesRole(given: Partial<KubernetesRole>, known: KubernetesRole | undefined): KubernetesRole {
  const role = { ...(known ?? fresh), ...given };
  const { names, namespaces, namespaceSelector, audience } = role;
  if (names.length === 0) throw wrong('"bound_service_account_names" can not be empty');
  if (namespaces.length === 0 && namespaceSelector === '') {
    throw wrong(
      '"bound_service_account_namespaces" can not be empty if "bound_service_account_namespace_selector" is not set',
    );
  }
  for (const list of [names, namespaces]) {
    if (list.length > 1 && list.includes('*')) throw wrong('can not mix "*" with values');
    if (list.length > maxList || list.some((text) => text.length > maxText)) {
      throw wrong(`A role is bound to at most ${maxList} names of ${maxText} characters.`);
    }
  }
  if (audience.length > maxText) throw wrong(`An audience has at most ${maxText} characters.`);
  if (namespaceSelector !== '' && labelsOf(namespaceSelector) === undefined) {
    throw wrong('invalid "bound_service_account_namespace_selector" configured');
  }
  return role;
}

type Labels = ReadonlyArray<readonly [string, string]>;

/** The labels that a selector asks for, in JSON or in as much of YAML as says them plainly; undefined where it says anything else, or nothing. */
export function labelsOf(selector: string): Labels | undefined {
  if (selector.length > 4096) return undefined;
  return selector.trimStart().startsWith('{') ? labelsOfJson(selector) : labelsOfYaml(selector);
}

function labelsOfJson(text: string): Labels | undefined {
  const value = parseJson(toUtf8(text));
  const members = value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [];
  const [first, ...more] = members;
  if (first?.[0] !== 'matchLabels' || more.length > 0) return undefined;
  const labels = first[1];
  if (labels === null || typeof labels !== 'object' || Array.isArray(labels)) return undefined;
  const pairs = Object.entries(labels);
  const plain = pairs.every((pair): pair is [string, string] => pair[0] !== '' && typeof pair[1] === 'string');
  return pairs.length > 0 && plain ? pairs : undefined;
}

/** `key: value`, the value in quotes or such that no reader of YAML takes it for anything but text. */
const yamlPair = /^ +([\w./-]+): +(?:"([\w.-]*)"|'([\w.-]*)'|([A-Za-z][\w.-]*))$/;
const notText = /^(?:true|false|yes|no|on|off|y|n|null)$/i;

function labelsOfYaml(text: string): Labels | undefined {
  const [first, ...lines] = text.replace(/\r?\n$/, '').split(/\r?\n/);
  if (first !== 'matchLabels:' || lines.length === 0) return undefined;
  const indent = /^ */.exec(lines[0]!)![0];
  const pairs = lines.map((line) => {
    const match = yamlPair.exec(line);
    if (match === null || /^ */.exec(line)![0] !== indent) return undefined;
    const [, key, double, single, bare] = match;
    if (bare !== undefined && notText.test(bare)) return undefined;
    return [key!, double ?? single ?? bare!] as const;
  });
  const sound = pairs.every((pair) => pair !== undefined);
  return sound && new Set(pairs.map(([key]) => key)).size === pairs.length ? pairs : undefined;
}
