import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isatty } from 'node:tty';

/** The door of settings: the environment and the small files that say where a server is. An absent setting has a safe meaning. */

export { refusedNodeOptions } from './node-options.ts';
export { parseRotators, type RotatorSetting } from './rotators.ts';

/** What Claviger reads from its environment. An empty variable is an absent one. */
export interface Environment {
  /** CLAVIGER_DATA: the data folder. Default: '.claviger'. */
  readonly dataDir: string;
  /** CLAVIGER_LISTEN: HOST:PORT for the server. */
  readonly listen: string | undefined;
  /** CLAVIGER_ADDR: the server that the commands talk to, in place of the one in the data folder. */
  readonly address: string | undefined;
  /** CLAVIGER_TOKEN. */
  readonly token: string | undefined;
  /** VAULT_TOKEN: what a seal of the kind vault-transit shows to its server. */
  readonly vaultToken: string | undefined;
  /** CLAVIGER_CACERT: PEM file with the certificates that the server's must come from. */
  readonly caFile: string | undefined;
  /** CREDENTIALS_DIRECTORY: where systemd puts what LoadCredential= names; `claviger-passphrase` and `claviger-pin` unseal the server. */
  readonly credentialsDirectory: string | undefined;
  /** OPENSSL_CONF: an OpenSSL configuration, which `--fips` wants. */
  readonly opensslConfig: string | undefined;
  /** NO_COLOR (https://no-color.org), or output that isn't a terminal. */
  readonly colour: boolean;
}

export function readEnvironment(): Environment {
  const read = (name: string) => process.env[name] || undefined;
  return {
    dataDir: read('CLAVIGER_DATA') ?? '.claviger',
    listen: read('CLAVIGER_LISTEN'),
    address: read('CLAVIGER_ADDR'),
    token: read('CLAVIGER_TOKEN'),
    vaultToken: read('VAULT_TOKEN'),
    caFile: read('CLAVIGER_CACERT'),
    credentialsDirectory: read('CREDENTIALS_DIRECTORY'),
    opensslConfig: read('OPENSSL_CONF'),
    colour: read('NO_COLOR') === undefined && read('TERM') !== 'dumb' && isatty(1),
  };
}

/** A settings file is missing or damaged: the message says which and what to do. */
export class SettingsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SettingsError';
  }
}

/** DATA/server.json: how to reach the server of a data folder. Written at each start. */
export interface ServerFile {
  readonly url: string;
  /** Absolute path of the PEM file with the CA of the server's certificate; undefined for plain HTTP. */
  readonly caFile: string | undefined;
  readonly mode: 'development' | 'production';
  /** What AWS clients call the place. */
  readonly region: string;
}

/** Throws SettingsError. */
export function readServerFile(dataDir: string): ServerFile {
  const path = join(dataDir, 'server.json');
  const fields = readJsonFile(path);
  if (fields === undefined) {
    throw new SettingsError(
      `There is no server in ${resolve(dataDir)}: start one with "claviger dev", or name its folder with --data.`,
    );
  }
  const { url, caFile, mode, region } = fields;
  if (typeof url !== 'string' || (mode !== 'development' && mode !== 'production')) throw damaged(path);
  return {
    url,
    caFile: typeof caFile === 'string' ? caPath(dataDir, caFile) : undefined,
    mode,
    region: typeof region === 'string' ? region : 'us-east-1',
  };
}

/** The path counts from the data folder, which may have been moved since the server wrote it. */
function caPath(dataDir: string, written: string): string {
  const path = resolve(dataDir, written);
  return existsSync(path) ? path : resolve(dataDir, 'tls', 'ca.pem');
}

/** DATA/identities/NAME.json: credentials that were saved for the commands on this machine. */
export interface IdentityFile {
  readonly realm: string;
  readonly identity: string;
  readonly account: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly token: string;
  readonly tokenAccessor: string;
  readonly expiresAt?: string | number;
}

/** Undefined where no such identity was saved. Throws SettingsError. */
export function readIdentityFile(dataDir: string, name: string): IdentityFile | undefined {
  const path = identityPath(dataDir, name);
  const fields = readJsonFile(path);
  if (fields === undefined) return undefined;
  const strings = ['realm', 'identity', 'account', 'accessKeyId', 'secretAccessKey', 'token', 'tokenAccessor'];
  if (strings.some((field) => typeof fields[field] !== 'string')) throw damaged(path);
  return fields as unknown as IdentityFile;
}

/** Readable by its owner only. Answers the path. */
export function saveIdentityFile(dataDir: string, name: string, identity: IdentityFile): string {
  const path = identityPath(dataDir, name);
  mkdirSync(join(dataDir, 'identities'), { recursive: true, mode: 0o700 });
  writeFileSync(path, `${JSON.stringify(identity, undefined, 2)}\n`, { mode: 0o600 });
  // An older file keeps its mode when it is written over.
  chmodSync(path, 0o600);
  return path;
}

/** Throws SettingsError for a name that would leave the folder. */
export function identityPath(dataDir: string, name: string): string {
  if (!/^[A-Za-z0-9_@+=,-][A-Za-z0-9._@+=,-]{0,127}$/.test(name)) {
    throw new SettingsError(`"${name}" can't be the name of a file of credentials.`);
  }
  return join(dataDir, 'identities', `${name}.json`);
}

/** Undefined where there is no such file. */
function readJsonFile(path: string): Record<string, unknown> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new SettingsError(`${path} can't be read: ${(error as Error).message}.`);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw damaged(path);
}

function damaged(path: string): SettingsError {
  return new SettingsError(`${path} is damaged: it is not what Claviger writes there.`);
}
