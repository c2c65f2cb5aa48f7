import { currentLabel, KmsError, numbered, pendingLabel, previousLabel, type SecretVersion } from '#domain/domain.ts';

/** Which versions a secret has and which labels they carry: pure. */

/** Of the caller's own, on all versions of a secret together. */
const maxLabels = 20;
/** That many versions are kept, and however many less than a day old, up to `maxVersions`. */
const keptVersions = 100;
const maxVersions = 150;
const day = 24 * 60 * 60 * 1000;

type Versions = readonly SecretVersion[];

const serverLabels: ReadonlySet<string> = new Set([currentLabel, previousLabel, pendingLabel]);

export const withLabel = (versions: Versions, label: string): SecretVersion | undefined =>
  versions.find(({ labels }) => labels.includes(label));

const ownLabels = (versions: Versions): number =>
  versions.flatMap(({ labels }) => labels.filter((label) => !serverLabels.has(label))).length;

/** Moves labels to a version. Where the current one changes, the former becomes the previous. Throws 'limit-exceeded' for more than 20 labels. */
export function moveLabels(versions: Versions, labels: readonly string[], to: string): Versions {
  const moves = new Map(labels.map((label) => [label, to]));
  const former = withLabel(versions, currentLabel);
  if (moves.has(currentLabel) && former !== undefined && former.id !== to) moves.set(previousLabel, former.id);
  const moved = versions.map((version) => {
    const kept = version.labels.filter((label) => !moves.has(label) || moves.get(label) === version.id);
    const gained = [...moves].filter(([label, id]) => id === version.id && !kept.includes(label));
    if (gained.length === 0 && kept.length === version.labels.length) return version;
    return { ...version, labels: [...kept, ...gained.map(([label]) => label)] };
  });
  if (ownLabels(moved) > Math.max(maxLabels, ownLabels(versions))) {
    throw new KmsError('limit-exceeded', `A secret has at most ${maxLabels} labels on all its versions.`);
  }
  return moved;
}

export function removeLabel(versions: Versions, label: string): Versions {
  return versions.map((version) =>
    version.labels.includes(label)
      ? { ...version, labels: version.labels.filter((other) => other !== label) }
      : version,
  );
}

/** Versions without a label beyond the newest hundred are let go once they are a day old. Throws 'limit-exceeded' where that doesn't help. */
export function trimVersions(versions: Versions, now: number): { readonly kept: Versions; readonly dropped: string[] } {
  let over = versions.length - keptVersions;
  const dropped: string[] = [];
  const kept = versions.filter(({ id, labels, createdAt }) => {
    if (over <= 0 || labels.length > 0 || createdAt > now - day) return true;
    over--;
    dropped.push(id);
    return false;
  });
  if (kept.length > maxVersions) {
    throw new KmsError(
      'limit-exceeded',
      `A secret has at most ${maxVersions} versions of one day; wait, or write less often.`,
    );
  }
  return { kept, dropped };
}

/** The version that a read means. Throws 'secret-not-found' without one, 'invalid-state' where id and label mean two. */
export function chooseVersion(versions: Versions, id: string | undefined, label: string | undefined): SecretVersion {
  const byId = id === undefined ? undefined : versions.find((version) => version.id === id);
  if (id !== undefined && byId?.keyId === undefined) {
    throw new KmsError('secret-not-found', `There is no value with the version id ${id}.`, 'version');
  }
  if (byId !== undefined) {
    if (label !== undefined && !byId.labels.includes(label)) {
      throw new KmsError('invalid-state', 'The label is not on the version with that id.');
    }
    return byId;
  }
  const found = withLabel(versions, label ?? currentLabel);
  if (found?.keyId === undefined) {
    throw new KmsError('secret-not-found', 'There is no value with that label.', label ?? currentLabel);
  }
  return found;
}

/** With or without a value; 0 means the current one. */
export function versionByNumber(versions: Versions, number: number): SecretVersion | undefined {
  const found = numbered(versions);
  const version = number === 0 ? withLabel(found, currentLabel) : found.find((one) => one.number === number);
  return version?.number === undefined ? undefined : version;
}

/** The newest so many, and those that somebody put a label on or that are to become the current one. */
export function keepNewest(versions: Versions, keep: number): { readonly kept: Versions; readonly dropped: string[] } {
  let over = versions.length - keep;
  const dropped: string[] = [];
  const kept = versions.filter(({ id, labels }) => {
    if (over <= 0 || labels.some((label) => label !== previousLabel)) return true;
    over--;
    dropped.push(id);
    return false;
  });
  return { kept, dropped };
}

export const isProtected = ({ labels }: SecretVersion): boolean =>
  labels.some((label) => label === currentLabel || label === previousLabel || label === pendingLabel);
