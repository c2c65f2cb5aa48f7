import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { ClavigerClient } from '#client/client.ts';
import {
  type Environment,
  type IdentityFile,
  identityPath,
  readIdentityFile,
  readServerFile,
  SettingsError,
} from '#config/config.ts';

export interface Connection {
  readonly client: ClavigerClient;
  /** Undefined when the server comes from CLAVIGER_ADDR: then nothing is saved on this machine. */
  readonly dataDir: string | undefined;
  readonly mode: 'development' | 'production' | undefined;
  /** For what the client has no words for. */
  readonly endpoint: { readonly url: string; readonly token?: string; readonly region?: string };
}

/** Who asks in development mode unless somebody else is named. */
export const developer = 'developer';

export interface Target {
  readonly environment: Environment;
  /** As given by --data; undefined when it wasn't. */
  readonly dataDir: string | undefined;
  readonly identity: string | undefined;
  /** Of the account; undefined: its home region. */
  readonly region: string | undefined;
}

/**
 * The server that is meant: the one of --data, else the one of CLAVIGER_ADDR, else the one of the default data folder. Throws
 * SettingsError. Anonymous: where nobody's credentials are at hand, asks without.
 */
export function connect({ environment, dataDir, identity, region }: Target, anonymous = false): Connection {
  const { address, token, caFile } = environment;
  const place = region === undefined ? {} : { region };
  if (dataDir === undefined && identity === undefined && address !== undefined) {
    if (isInTheClear(address)) throw new SettingsError(`${address} would send the token in the clear: use https.`);
    trust(caFile);
    if (token === undefined && !anonymous) throw new SettingsError('CLAVIGER_ADDR is set and CLAVIGER_TOKEN is not.');
    const endpoint = { url: address, ...place, ...(token !== undefined && { token }) };
    return { client: new ClavigerClient(endpoint), dataDir: undefined, mode: undefined, endpoint };
  }
  const dir = dataDir ?? environment.dataDir;
  const server = readServerFile(dir);
  // With an address beside it, CLAVIGER_TOKEN belongs to that other server.
  const given = identity === undefined && address === undefined ? token : undefined;
  const bearer = anonymous ? undefined : (given ?? savedIdentity(dir, server.mode, identity).token);
  trust(server.caFile);
  const endpoint = { url: server.url, ...place, ...(bearer !== undefined && { token: bearer }) };
  return { client: new ClavigerClient(endpoint), dataDir: dir, mode: server.mode, endpoint };
}

function isInTheClear(address: string): boolean {
  if (!URL.canParse(address)) throw new SettingsError(`CLAVIGER_ADDR is no address: "${address}".`);
  const { protocol, hostname } = new URL(address);
  return protocol !== 'https:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** Throws SettingsError, saying what to do. */
export function savedIdentity(
  dir: string,
  mode: 'development' | 'production',
  given: string | undefined,
): IdentityFile {
  if (given === undefined && mode === 'production') {
    throw new SettingsError(
      'In production mode say who asks: --identity NAME (saved with "claviger identity create NAME --save"), or set CLAVIGER_TOKEN.',
    );
  }
  const name = given ?? developer;
  const identity = readIdentityFile(dir, name);
  if (identity === undefined) {
    throw new SettingsError(
      `There are no credentials in ${identityPath(dir, name)}: make them with "claviger identity create ${name} --role ROLE${mode === 'production' ? ' --save' : ''}".`,
    );
  }
  return identity;
}

/** From now on servers must present a certificate that comes from this file and from nowhere else. */
function trust(caFile: string | undefined): void {
  if (caFile === undefined) return;
  let pem: string;
  try {
    pem = readFileSync(caFile, 'utf8');
  } catch (error) {
    throw new SettingsError(`The server's CA certificate can't be read: ${(error as Error).message}.`);
  }
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g);
  if (certificates === null) throw new SettingsError(`There is no certificate in ${caFile}.`);
  tls.setDefaultCACertificates(certificates);
}
