import { isIPv4 } from 'node:net';
import { parseArgs } from 'node:util';
import { startOptions } from '#cli/cli.ts';
import { readEnvironment, readIdentityFile, saveIdentityFile } from '#config/config.ts';
import { randomBytes } from '#crypto/crypto.ts';
import { type CredentialSet, type Gate, KmsError, Plaintext } from '#domain/domain.ts';
import { toBase64Url, toUtf8 } from '#encoding/encoding.ts';
import { Server, type ServerOptions } from './assemble.ts';
import { DataDirectory } from './data-directory.ts';
import { localTls } from './local-tls.ts';
import { packageVersion, parseEndpoint, ratesOf, reporting, say, serveUntilSignal } from './serving.ts';

const developer = 'developer';
const passphraseFile = 'dev-passphrase';
const defaultListen = '127.0.0.1:8200';
const portsToTry = 20;
// The passphrase is random and lies beside the data: hashing it slowly would guard nothing.
const cheap = { memoryKiB: 64, passes: 1, parallelism: 1 };

/** `claviger dev`: everything ready to be tried, on this machine only, and said so on every start. */
export function developmentCommand(args: readonly string[]): Promise<number> {
  return reporting(async () => {
    const environment = readEnvironment();
    const { values } = parseArgs({
      args: [...args],
      options: startOptions.dev,
    });
    const data = new DataDirectory(values.data ?? environment.dataDir);
    const asked = values.listen ?? environment.listen;
    const { host, port } = parseEndpoint(asked ?? defaultListen);
    if (!isLoopback(host) && !values['allow-remote']) {
      throw new KmsError(
        'invalid-parameter',
        `Development mode guards nothing, so it listens on this machine only; ${host} is open to others. Give --allow-remote if you mean it.`,
      );
    }
    const passphrase = prepare(data);
    const fresh = !data.hasSeal;
    const server = await opened(passphrase, {
      data,
      mode: 'development',
      region: values.region,
      version: packageVersion(),
      log: (line) => process.stderr.write(`${line}\n`),
      ...(values['cached-keys'] !== undefined && { cachedKeys: cachedKeysOf(values['cached-keys']) }),
      rates: ratesOf(values),
      passphraseCost: cheap,
      ...(values['bench-no-flush'] && { unsafeNoFlush: true }),
    });
    try {
      await furnish(server, data);
      const tls = values['bench-no-tls'] ? undefined : localTls(data, host, server.clock());
      const url = await listen(server, { host, port, tls }, asked === undefined);
      return await serveUntilSignal(server, () => welcome(data, url, fresh, values['bench-no-flush']));
    } catch (error) {
      await server.close();
      throw error;
    }
  });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** As many as there are connections at the least: a key that is let go while it is used has to be looked for again. */
const fewestCachedKeys = 1024;

function cachedKeysOf(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < fewestCachedKeys) {
    throw new KmsError('invalid-parameter', `--cached-keys takes a whole number from ${fewestCachedKeys} up.`);
  }
  return count;
}

/** The data folder with its passphrase; what is already there is left alone. */
function prepare(data: DataDirectory): Plaintext {
  data.create();
  if (!data.hasSeal && !data.has(passphraseFile)) data.write(passphraseFile, toBase64Url(randomBytes(32)));
  if (!data.has(passphraseFile)) {
    throw new KmsError(
      'unavailable',
      `${data.path} was made by "claviger init": run it with "claviger server", or give another folder with --data.`,
    );
  }
  return new Plaintext(toUtf8(data.read(passphraseFile)));
}

/** Unsealed, by a seal that is made where there is none. */
async function opened(secret: Plaintext, options: ServerOptions): Promise<Server> {
  if (!options.data.hasSeal) {
    return await Server.found(options, {
      kind: 'passphrase',
      name: 'passphrase',
      settings: {},
      secret,
      show: () => {},
    });
  }
  const server = await Server.build(options);
  try {
    await server.unseal(secret);
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** The developer's identity, and a first key made in his name, also where an earlier start was cut short between the two. */
async function furnish(server: Server, data: DataDirectory): Promise<void> {
  const keep = (credentials: CredentialSet) => {
    saveIdentityFile(data.path, developer, printable(credentials));
  };
  if (await server.isNew()) await server.bootstrap(developer, 'developer', keep);
  const identity = readIdentityFile(data.path, developer);
  if (identity !== undefined && !(await server.hasKeys(identity.account))) {
    await makeFirstKey(server.gate, identity.token);
  }
}

async function makeFirstKey(gate: Gate, token: string): Promise<void> {
  await gate.perform(
    { kind: 'token', token },
    {
      kind: 'create-key',
      spec: 'aes-256',
      usages: ['encrypt'],
      class: 'enveloped',
      name: 'first',
      description: 'The first key, made at the first start.',
      rotationPeriodDays: 365,
      ifAbsent: true,
    },
    { protocol: 'start', operation: 'first-key', peer: '', requestId: 'start' },
  );
}

/** Credentials as strings, for the one who owns them. */
export function printable(set: CredentialSet) {
  const text = (secret: Plaintext) => Buffer.from(secret.release()).toString();
  return { ...set, secretAccessKey: text(set.secretAccessKey), token: text(set.token) };
}

async function listen(server: Server, endpoint: Parameters<Server['listen']>[0], mayMove: boolean): Promise<string> {
  for (let moved = 0; ; moved++) {
    try {
      return await server.listen({ ...endpoint, port: endpoint.port + moved });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || !mayMove || moved === portsToTry) throw error;
      say(`port ${endpoint.port + moved} is taken, trying ${endpoint.port + moved + 1}`);
    }
  }
}

function welcome(data: DataDirectory, url: string, fresh: boolean, unflushed: boolean): void {
  const at = data.path === '.claviger' ? '' : ` --data ${data.path}`;
  const lines = [
    `Claviger ${packageVersion()}, DEVELOPMENT MODE: the passphrase of the seal lies beside the data, and the identity`,
    '"developer" may do everything. For production use "claviger init" and "claviger server".',
    ...(unflushed ? ['MEASURING: answers do not wait for the disk. A power cut loses what was answered.'] : []),
    '',
    `  data    ${data.path}${fresh ? ' (new: a local CA, a root key, the identity developer, the key alias/first)' : ''}`,
    `  server  ${url}`,
    '',
    'Try it in another terminal:',
    '',
    `  eval "$(npx claviger env${at})"`,
    '  printf hello > hello.txt; aws kms encrypt --key-id alias/first --plaintext fileb://hello.txt',
    '  vault write transit/encrypt/first plaintext="$(echo -n hello | base64)"',
    `  npx claviger encrypt README.md${at}`,
    `  npx claviger audit tail${at}`,
    `  npx claviger audit verify${at}`,
    '',
    `ready ${url}`,
  ];
  for (const line of lines) say(line);
}
