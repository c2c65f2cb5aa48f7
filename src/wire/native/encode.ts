import {
  type CredentialSet,
  type Entry,
  firstEnd,
  type Grant,
  type Identity,
  type Key,
  type KeyVersion,
  type Result,
  type TokenInfo,
  type Used,
} from '#domain/domain.ts';
import { fromUtf8, toBase64 } from '#encoding/encoding.ts';

/** Members that are undefined are left out of the JSON. Times are ISO 8601, bytes base64. */
const time = (ms: number) => new Date(ms).toISOString();
const maybeTime = (ms: number | undefined) => (ms === undefined ? undefined : time(ms));
const text = (bytes: Uint8Array) => fromUtf8(bytes) ?? '';

/** In the words of SP 800-57: what the key may be used for now. */
function state(key: Key): string {
  if (key.destruction !== undefined) return 'destroy-scheduled';
  return key.enabled || key.current.state === 'pending-import' ? key.current.state : 'suspended';
}

export function keyView(key: Key): object {
  return {
    id: key.id,
    realm: key.realm,
    names: key.names,
    spec: key.spec,
    usages: key.usages,
    class: key.class,
    state: state(key),
    enabled: key.enabled,
    version: key.current.version,
    createdAt: time(key.createdAt),
    description: key.description,
    tags: key.tags,
    minDecryptionVersion: key.minDecryptionVersion,
    minEncryptionVersion: key.minEncryptionVersion,
    exportable: key.exportable,
    deletionAllowed: key.deletionAllowed,
    rotation: key.rotation && { periodDays: key.rotation.periodDays, nextAt: time(key.rotation.nextAt) },
    destroyedAt: maybeTime(key.destruction?.at),
    multiRegion: key.multiRegion,
    origin: key.origin ?? 'generated',
    protection: key.protection,
    materialEndsAt: maybeTime(firstEnd(key)),
  };
}

function versionView(version: KeyVersion): object {
  return {
    version: version.version,
    state: version.state,
    createdAt: time(version.createdAt),
    publicKey: version.publicKey && toBase64(version.publicKey),
  };
}

export const key = (result: { readonly key: Key }) => ({ key: keyView(result.key) });

/** `pendingMirrors`: where the secret of the key is overwritten once they are in reach. */
export const destroyed = ({ key: of, pending = [] }: Result<'destroy-key'>) => ({
  key: keyView(of),
  ...(pending.length > 0 && { pendingMirrors: pending }),
});

export const keyVersion = ({ key: of, version }: Result<'disable-key-version'>) => ({
  key: keyView(of),
  version: versionView(version),
});

export const keyAndVersions = (result: Result<'describe-key'>) => ({
  key: keyView(result.key),
  versions: result.versions.map(versionView),
});

/** Times as everywhere; `operation` and `protocol` as the ledger's line has them. `lastUse` is absent where there was none. */
export const lastUse = ({ key, lastUse: last }: Result<'read-last-use'>) => ({
  key: key.id,
  lastUse: last && { ...last, at: time(last.at) },
});

const used = ({ realm, keyId, version }: Used) => ({ realm, keyId, version });

export const encrypted = (result: Result<'encrypt'>) => ({
  ...used(result),
  ciphertext: toBase64(result.ciphertext),
});

export const decrypted = (result: Result<'decrypt'>) => ({
  ...used(result),
  plaintext: toBase64(result.plaintext.release()),
});

export const dataKey = (result: Result<'generate-data-key'>) => ({
  ...used(result),
  plaintext: result.plaintext && toBase64(result.plaintext.release()),
  ciphertext: toBase64(result.ciphertext),
});

export const aliases = (result: Result<'list-aliases'>) => ({
  aliases: result.aliases.map((alias) => ({
    ...alias,
    createdAt: time(alias.createdAt),
    updatedAt: time(alias.updatedAt),
  })),
  next: result.next,
});

function identityView({ realm, name, groups, enabled, createdAt }: Identity): object {
  return { realm, name, groups, enabled, createdAt: time(createdAt) };
}

export const identities = (result: Result<'list-identities'>) => ({
  identities: result.identities.map(identityView),
  next: result.next,
});

/** The only answer that shows secrets of a credential: once, when it is made. */
export const credentials = (set: CredentialSet) => ({
  realm: set.realm,
  identity: set.identity,
  account: set.account,
  accessKeyId: set.accessKeyId,
  secretAccessKey: text(set.secretAccessKey.release()),
  token: text(set.token.release()),
  tokenAccessor: set.tokenAccessor,
  expiresAt: maybeTime(set.expiresAt),
});

function grantView(grant: Grant): object {
  const { id, realm, grantee, role, actions, scope, condition } = grant;
  return {
    id,
    realm,
    grantee: grantee.name,
    granteeKind: grantee.kind,
    role,
    actions,
    keyId: scope.kind === 'key' ? scope.id : undefined,
    names: scope.kind === 'names' ? scope.pattern : undefined,
    condition,
    createdAt: time(grant.createdAt),
    expiresAt: maybeTime(grant.expiresAt),
  };
}

export const grant = (result: Result<'create-grant'>) => ({ grant: grantView(result.grant) });

export const grants = (result: Result<'list-grants'>) => ({
  grants: result.grants.map(grantView),
  next: result.next,
});

export const token = ({ credential, policies }: TokenInfo) => ({
  accessor: credential.id,
  realm: credential.realm,
  identity: credential.identity,
  label: credential.label,
  renewable: credential.renewable ?? false,
  actions: credential.actions,
  policies,
  createdAt: time(credential.createdAt),
  expiresAt: maybeTime(credential.expiresAt),
});

export const newToken = (result: Result<'create-token'>) => ({
  ...token(result),
  token: text(result.token.release()),
});

const entryView = (entry: Entry) => ({ ...entry, time: time(entry.time) });

export const auditEntries = (result: Result<'read-audit'>) => ({
  size: result.size,
  entries: result.entries.map(({ index, entry }) => ({ index, ...entryView(entry) })),
});

export const auditProof = (result: Result<'prove-audit'>) => ({
  index: result.index,
  leaf: toBase64(result.leaf),
  path: result.path.map(toBase64),
  checkpoint: result.checkpoint,
});

export const status = (result: Result<'read-status'>) => ({ ...result, time: time(result.time) });

export const asIs = <T extends object>(result: T): T => result;
