import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { ApiError } from '#client/client.ts';
import { type Call, CliError, type Command, exitCodes, UsageError, wholeNumber } from '../command.ts';
import { type Connection, savedIdentity } from '../connect.ts';
import { type Servers, VaultHttp } from './http.ts';
import { Journal } from './journal.ts';
import { Places } from './places.ts';
import { globs, planOf } from './plan.ts';
import { show } from './report.ts';
import { run } from './run.ts';
import { clusterOf, mountsOf } from './source.ts';

const usualJournal = 'claviger-migration.jsonl';

export const migrateCommand: Command = {
  name: 'migrate vault',
  summary: 'Bring transit keys and KV secrets here from a running HashiCorp Vault or OpenBao',
  options: {
    from: { type: 'string', value: 'URL', help: 'where they are, such as https://vault.example:8200' },
    'from-token-file': { type: 'string', value: 'FILE', help: 'its token; - for standard input' },
    'from-ca': {
      type: 'string',
      value: 'FILE',
      help: 'PEM certificates that its own must come from (default: those of the system)',
    },
    'from-namespace': { type: 'string', value: 'NAME', help: 'its namespace' },
    mounts: { type: 'string', multiple: true, value: 'GLOB', help: 'only these mounts, such as transit or team/*' },
    keys: { type: 'string', multiple: true, value: 'GLOB', help: 'only these keys; --keys "" for none' },
    kv: { type: 'string', multiple: true, value: 'GLOB', help: 'only these secrets; --kv "" for none' },
    map: { type: 'string', multiple: true, value: 'FROM=TO', help: 'give a mount another path here' },
    'dry-run': { type: 'boolean', help: 'only say what would be done' },
    journal: {
      type: 'string',
      value: 'FILE',
      help: `what has been done, to go on after a stop (default ${usualJournal})`,
    },
    limit: { type: 'string', value: 'N', help: 'bring at most so many keys and secrets in this run' },
    rate: { type: 'string', value: 'N', help: 'ask the source at most so often a second' },
    'no-verify': { type: 'boolean', help: 'leave out the comparison at the end' },
    'user-identity': {
      type: 'string',
      value: 'NAME',
      help: 'who writes secrets and uses keys here, if that is somebody else',
    },
    'user-token-file': { type: 'string', value: 'FILE', help: 'the token of who does' },
  },
  more: [
    'Each key comes with all its versions and settings, each secret with all its versions: whole, or not at all. What was brought',
    'stays as it is there; run again, it takes what has changed since. Nothing at the source is changed.',
    'Exit code 1 where something was asked for and did not come, or is not the same here.',
  ],
  async run(call) {
    const url = call.text('from');
    if (url === undefined) throw new UsageError('Say where they are: --from URL.');
    if (call.words.length > 0) throw new UsageError(`"${call.words[0]}" is one word too many.`);
    const options = readOptions(call, url);
    // Connecting sets what this program trusts from then on: the source is trusted by what is so now.
    const ca = options.ca ?? tls.getCACertificates('default');
    const connection = call.connect();
    const { token } = options.source;
    const servers = { source: new VaultHttp({ ...options.source, url, ca }), ...targets(call, connection) };
    // A namespace has no health of its own.
    const whole = new VaultHttp({ url, token, ca });
    try {
      return await migrate(call, servers, options, (await clusterOf(whole)) ?? whole.url);
    } finally {
      for (const server of new Set([whole, ...Object.values(servers)])) server.close();
    }
  },
};

interface Options {
  readonly source: { readonly token: string; readonly namespace?: string; readonly rate?: number };
  readonly ca: readonly string[] | undefined;
  readonly limit: number;
}

function readOptions(call: Call, url: string): Options {
  const tokenFile = call.text('from-token-file');
  if (tokenFile === undefined)
    throw new UsageError('Say where its token is: --from-token-file FILE, or - for standard input.');
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw new UsageError(`"${url}" is no address.`);
  if (new URL(url).protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname)) {
    throw new CliError(`${url} would send the token, and take all secrets, in the clear: use https.`);
  }
  const namespace = call.text('from-namespace');
  const rate = call.text('rate');
  const limit = call.text('limit');
  const caFile = call.text('from-ca');
  return {
    source: {
      token: readToken(tokenFile),
      ...(namespace !== undefined && { namespace }),
      ...(rate !== undefined && { rate: Math.max(1, wholeNumber('--rate', rate)) }),
    },
    ca: caFile === undefined ? undefined : [readFileSync(caFile, 'utf8')],
    limit: limit === undefined ? Infinity : wholeNumber('--limit', limit),
  };
}

function readToken(file: string): string {
  const token = readFileSync(file === '-' ? 0 : file, 'utf8').trim();
  if (!/^[\x21-\x7e]{1,4096}$/.test(token))
    throw new CliError(`There is no token in ${file === '-' ? 'standard input' : file}.`);
  return token;
}

/** This server, as who asks and as who uses. */
function targets(call: Call, { endpoint, dataDir, mode }: Connection): Pick<Servers, 'target' | 'user'> {
  const { url, token = '', region } = endpoint;
  const place = region === undefined ? {} : { region };
  const target = new VaultHttp({ url, token, ...place });
  const [name, file] = [call.text('user-identity'), call.text('user-token-file')];
  if (name === undefined && file === undefined) return { target, user: target };
  if (name !== undefined && (file !== undefined || dataDir === undefined || mode === undefined)) {
    throw new UsageError('--user-identity needs the data folder of the server: use --user-token-file.');
  }
  const other = name === undefined ? readToken(file!) : savedIdentity(dataDir!, mode!, name).token;
  return { target, user: new VaultHttp({ url, token: other, ...place }) };
}

/** `origin`: what the source is known by. */
async function migrate(call: Call, servers: Servers, { limit }: Options, origin: string): Promise<number> {
  const { out } = call;
  const { source, target } = servers;
  const dryRun = call.flag('dry-run');
  const journey = {
    source: origin,
    namespace: call.text('from-namespace') ?? '',
    target: await realmOf(target),
  };
  const path = call.text('journal') ?? usualJournal;
  const journal = Journal.open(path, journey, { readOnly: dryRun });
  try {
    const places = new Places(await mountsOf(target), call.texts('map'));
    const wanted = {
      mounts: globs(call.texts('mounts').map((glob) => `${glob.replace(/\/$/, '')}/`)),
      keys: globs(call.texts('keys')),
      secrets: globs(call.texts('kv')),
    };
    const plan = await planOf(source, await mountsOf(source), places, wanted, journal);
    if (dryRun) {
      out.result(show.planned(plan, places), () => show.plan(out, plan, places));
      return plan.left.length === 0 ? exitCodes.ok : exitCodes.failed;
    }
    const report = await run(servers, journal, places, plan, { limit, verifies: !call.flag('no-verify') }, out);
    out.result(report, () => show.report(out, report, path));
    return report.left.length + report.failed.length + report.differing.length === 0 ? exitCodes.ok : exitCodes.failed;
  } finally {
    journal.close();
  }
}

/** Of who asks: what stays when the server's address changes. */
async function realmOf(target: VaultHttp): Promise<string> {
  const { status, body } = await target.ask('GET', '/claviger/v1/caller');
  if (status !== 200) throw ApiError.read(status, body.toString());
  return (JSON.parse(body.toString()) as { realm: string }).realm;
}
