import { parseArgs } from 'node:util';
import { askSecret, startOptions } from '#cli/cli.ts';
import { readEnvironment } from '#config/config.ts';
import { KmsError, Plaintext, SecretBytes } from '#domain/domain.ts';
import { toUtf8 } from '#encoding/encoding.ts';
import { type Founding, Server, type ServerOptions } from './assemble.ts';
import { DataDirectory } from './data-directory.ts';
import { printable } from './development.ts';
import { fipsModule, fipsNotice } from './fips.ts';
import { firstSeal } from './first-seal.ts';
import { givenSecret, type SecretValues } from './given-secrets.ts';
import { localTls, type ServerTls } from './local-tls.ts';
import { packageVersion, parseEndpoint, ratesOf, reporting, say, serveUntilSignal, show, warn } from './serving.ts';

const officer = 'officer';
/** Requests per second of one principal: far above what a program in order asks, and less than one server can answer. */
const usualRate = '10000';

interface SealValues extends SecretValues {
  readonly data?: string | undefined;
  readonly anchor?: string | undefined;
  readonly 'shelf-mirror'?: readonly string[] | undefined;
  readonly region: string;
  readonly 'fips-certificate'?: string | undefined;
}

/** `claviger init`: a root key under its seal, an empty ledger, and the first security officer, whose credential is shown once. */
export function initCommand(args: readonly string[]): Promise<number> {
  return reporting(async () => {
    const { values } = parseArgs({ args: [...args], options: startOptions.init });
    const data = new DataDirectory(values.data ?? readEnvironment().dataDir);
    const options = serverOptions(data, values);
    if (data.hasSeal) await assertCutShort(options);
    const seal = await firstSeal(values, (kind) => (kind === 'pkcs11' ? pinOf(values) : newPassphrase(values)));
    data.create();
    const server = await founded(options, seal);
    seal.secret?.wipe();
    try {
      await server.bootstrap(officer, 'security-officer', (credentials) => show(wordsOf(printable(credentials))));
      say(`Made ${data.path}.`);
      const anchor = values.anchor === undefined ? '' : ` --anchor ${values.anchor}`;
      say(`Start the server with: claviger server --data ${data.path}${anchor} --listen 127.0.0.1:8200`);
    } finally {
      await server.close();
    }
    return 0;
  });
}

/** Rejects with 'already-exists' unless the folder holds a seal and nothing under it yet. */
async function assertCutShort(options: ServerOptions): Promise<void> {
  const server = await Server.build(options);
  try {
    if (await server.isNew()) return;
    throw new KmsError('already-exists', `${options.data.path} already holds a server.`);
  } finally {
    await server.close();
  }
}

/** Unsealed. An earlier run that was cut short has left its seal, and the same passphrase opens it. */
async function founded(options: ServerOptions, seal: Founding): Promise<Server> {
  if (!options.data.hasSeal) return await Server.found(options, seal);
  if (seal.secret === undefined) {
    throw new KmsError(
      'already-exists',
      `${options.data.path} holds the seal of an "init" that was cut short, and nothing under it: remove it, and run this again.`,
    );
  }
  const server = await Server.build(options);
  try {
    await server.unseal(seal.secret);
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** Shown before it is valid: a crash behind it can't leave a server that nobody has a credential for. */
function wordsOf({ token, accessKeyId, secretAccessKey }: ReturnType<typeof printable>): string {
  return [
    "The first security officer's credential, shown this once:",
    '',
    `  CLAVIGER_TOKEN=${token}`,
    `  AWS_ACCESS_KEY_ID=${accessKeyId}`,
    `  AWS_SECRET_ACCESS_KEY=${secretAccessKey}`,
    '',
    'A security officer makes identities and grants, and can neither use nor administer keys.',
    '',
  ].join('\n');
}

/** `claviger server`: sealed until somebody brings what opens a seal, unless one opens by itself or by what the server is given. */
export function productionCommand(args: readonly string[]): Promise<number> {
  return reporting(async () => {
    const environment = readEnvironment();
    const { values } = parseArgs({
      args: [...args],
      options: startOptions.server,
    });
    const data = new DataDirectory(values.data ?? environment.dataDir);
    if (data.has('dev-passphrase')) {
      throw new KmsError(
        'unavailable',
        `${data.path} is a development folder; make one for production with "claviger init".`,
      );
    }
    const endpoint = parseEndpoint(values.listen ?? environment.listen ?? '127.0.0.1:8200');
    const passphrase = givenSecret(values, 'passphrase', environment.credentialsDirectory);
    const pin = givenSecret(values, 'pin', environment.credentialsDirectory);
    const server = await Server.build({
      ...serverOptions(data, values),
      rates: ratesOf({ 'max-rate': usualRate, ...values }),
      ...(pin !== undefined && { given: { pin: new SecretBytes(pin) } }),
    });
    try {
      if (await server.isNew()) {
        throw new KmsError(
          'unavailable',
          `${data.path} holds a seal but no database: restore it, or run "claviger init" again if it was cut short.`,
        );
      }
      if (passphrase !== undefined) await server.unseal(new Plaintext(passphrase));
      else await server.openAlone();
      passphrase?.fill(0);
      const tls = certificate(data, endpoint.host, values, server.clock());
      const url = await server.listen({ ...endpoint, tls });
      return await serveUntilSignal(server, () =>
        welcome(data, url, server.sealed, fipsModule(values['fips-certificate'])),
      );
    } catch (error) {
      await server.close();
      throw error;
    }
  });
}

function welcome(data: DataDirectory, url: string, sealed: boolean, fips: string | undefined): void {
  say(`Claviger ${packageVersion()}, data ${data.path}`);
  for (const line of fipsNotice(fips)) say(line);
  if (sealed) say(`The server is SEALED: unseal it with "claviger unseal --data ${data.path}".`);
  say(`ready ${url}`);
}

function serverOptions(data: DataDirectory, values: SealValues): ServerOptions {
  const { anchor, region } = values;
  const fips = fipsModule(values['fips-certificate']);
  return {
    ...(fips !== undefined && { fips }),
    data,
    mode: 'production',
    region,
    version: packageVersion(),
    log: warn,
    ...(anchor !== undefined && { anchorPath: anchor }),
    shelfMirrors: values['shelf-mirror'] ?? [],
  };
}

async function newPassphrase(values: SealValues): Promise<Uint8Array> {
  return givenSecret(values, 'passphrase') ?? (await askTwice());
}

async function askTwice(): Promise<Uint8Array> {
  const passphrase = await askSecret('New passphrase of the seal: ');
  if ((await askSecret('Again: ')) !== passphrase)
    throw new KmsError('invalid-parameter', 'The two passphrases are not the same.');
  return toUtf8(passphrase);
}

/** Of a token that has it already, so it is asked for once. */
async function pinOf(values: SealValues): Promise<Uint8Array> {
  return (
    givenSecret(values, 'pin') ?? toUtf8(await askSecret('PIN of the token: ', 'the PIN: use --pin-fd or --pin-file'))
  );
}

/** The given certificate, else one of the data folder's own authority. */
function certificate(
  data: DataDirectory,
  host: string,
  given: { 'tls-cert'?: string | undefined; 'tls-key'?: string | undefined; 'tls-ca'?: string | undefined },
  now: number,
): ServerTls {
  const { 'tls-cert': file, 'tls-key': key, 'tls-ca': caFile } = given;
  if ((file === undefined) !== (key === undefined)) {
    throw new KmsError('invalid-parameter', '--tls-cert and --tls-key belong together.');
  }
  if (file === undefined || key === undefined) return localTls(data, host, now);
  return { certificate: data.readOutside(file), key: data.readOutside(key), caFile };
}
