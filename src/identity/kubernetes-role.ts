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

/** The labels that a selector asks for; undefined where it says anything else, or nothing. */
export function labelsOf(selector: string): ReadonlyArray<readonly [string, string]> | undefined {
  const value = selector.length <= 4096 ? parseJson(toUtf8(selector)) : undefined;
  const members = value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [];
  const [first, ...more] = members;
  if (first?.[0] !== 'matchLabels' || more.length > 0) return undefined;
  const labels = first[1];
  if (labels === null || typeof labels !== 'object' || Array.isArray(labels)) return undefined;
  const pairs = Object.entries(labels);
  const plain = pairs.every((pair): pair is [string, string] => pair[0] !== '' && typeof pair[1] === 'string');
  return pairs.length > 0 && plain ? pairs : undefined;
}
