import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bao } from '../test/openbao.ts';
import { runClaviger } from '../test/process.ts';
import {
  load,
  type Measured,
  median,
  medians,
  type Request,
  residentMiB,
  startClaviger,
  startOurs,
  type Target,
} from './load.ts';
import { startOpenBao } from './openbao.ts';
import { type Ask, asking } from './vault-calls.ts';

/**
 * Claviger beside OpenBao, both as they run in production, both recording every request, on the same core, under the same load on
 * another core, in turn: encryption of 32 bytes, batches of 100, signatures, reading a secret, and memory at rest.
 *
 *   node bench/vault-peer.ts [--rounds 7] [--seconds 4] [--connections 64] [--only encrypt|batch|sign|read]
 *                            [--tls off] [--bao FILE] [--json]
 *
 * Each round measures both, one after the other, the first of the last round last; a ratio is the median of the rounds' ratios.
 * `--tls off` measures both in the clear, which of Claviger only a development server does.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '4' },
    'warm-up': { type: 'string', default: '8' },
    connections: { type: 'string', default: '64' },
    only: { type: 'string' },
    tls: { type: 'string', default: 'on' },
    bao: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const connections = Number(values.connections);
/** Milliseconds without a request after which both servers count as at rest: Claviger collects once a minute at most. */
const atRest = 75_000;
const tls = values.tls !== 'off';
const data = Buffer.alloc(32, 7).toString('base64');

const workloads = [
  {
    name: 'encrypt',
    title: '`transit/encrypt`, 32 bytes',
    bar: 2,
    method: 'POST',
    path: 'transit/encrypt/load',
    body: { plaintext: data },
  },
  {
    name: 'batch',
    title: '`transit/encrypt`, batches of 100',
    bar: 2,
    method: 'POST',
    path: 'transit/encrypt/load',
    body: { batch_input: Array.from({ length: 100 }, () => ({ plaintext: data })) },
  },
  {
    name: 'sign',
    title: '`transit/sign`, ecdsa-p256',
    bar: 1,
    method: 'POST',
    path: 'transit/sign/signer',
    body: { input: data },
  },
  { name: 'read', title: 'KV version 2, read', bar: 1.5, method: 'GET', path: 'secret/data/app/db', body: undefined },
] as const;
type Workload = (typeof workloads)[number];

const policy = `
path "transit/encrypt/load" { capabilities = ["update"] }
path "transit/sign/signer" { capabilities = ["update"] }
path "secret/data/app/*" { capabilities = ["create", "update", "read"] }
`;

interface Contender extends Target {
  readonly token: string;
  readonly user: Ask;
}

const folder = mkdtempSync(join(tmpdir(), 'claviger-peer-'));

/** Keys by the administrator, the secret by the user: nobody is both in production. */
async function furnish(administrator: Ask, user: Ask): Promise<void> {
  await administrator('POST', 'transit/keys/load', {});
  await administrator('POST', 'transit/keys/signer', { type: 'ecdsa-p256' });
  await user('POST', 'secret/data/app/db', { data: { user: 'app', password: 'correct horse battery staple' } });
}

async function production(): Promise<Contender & { readonly data: string }> {
  const data = join(folder, 'claviger');
  const passphrase = join(folder, 'passphrase');
  writeFileSync(passphrase, 'correct horse battery staple\n', { mode: 0o600 });
  const made = await runClaviger(['init', '--data', data, '--passphrase-file', passphrase]);
  const officer = { CLAVIGER_TOKEN: /CLAVIGER_TOKEN=(\S+)/.exec(made.stdout)![1]! };
  // One identity makes all requests here, more of them than one program is let ask.
  const limits = ['--max-rate', '1000000', '--max-realm-rate', '1000000'];
  const target = await startOurs([
    ...['server', '--data', data, '--listen', '127.0.0.1:0', '--passphrase-file', passphrase, ...limits],
  ]);
  const ca = readFileSync(join(data, 'tls/ca.pem'));
  const hire = async (name: string, role: string): Promise<string> => {
    const args = ['identity', 'create', name, '--role', role, '--json', '--data', data];
    return (JSON.parse((await runClaviger(args, officer)).stdout) as { readonly token: string }).token;
  };
  const token = await hire('user', 'key-user');
  const user = asking(target.url, token, ca);
  await furnish(asking(target.url, await hire('administrator', 'key-administrator'), ca), user);
  return { ...target, data, token, user };
}

async function development(): Promise<Contender & { readonly data: string }> {
  const data = join(folder, 'claviger');
  mkdirSync(data);
  const target = await startClaviger(['--bench-no-tls', '--max-rate', '1000000'], data);
  const { token } = target.credentials;
  const user = asking(target.url, token, undefined);
  await furnish(user, user);
  return { ...target, token, user };
}

async function peer(ours: string): Promise<Contender & { readonly version: string; readonly auditFile: string }> {
  if (values.bao === undefined && bao.missing) throw new Error(bao.missing);
  const files = { certificate: 'tls/server.pem', key: 'tls/server.key', ca: 'tls/ca.pem' };
  const target = await startOpenBao({
    program: values.bao ?? bao.path,
    folder,
    tls: tls
      ? { certificate: join(ours, files.certificate), key: join(ours, files.key), ca: join(ours, files.ca) }
      : undefined,
    policy,
  });
  const user = asking(target.url, target.token, tls ? readFileSync(join(ours, files.ca)) : undefined);
  await furnish(target.root, user);
  return { ...target, user };
}

function requestOf({ method, path, body }: Workload, { token }: Contender): Request {
  return {
    method,
    path: `/v1/${path}`,
    headers: { 'X-Vault-Token': token, 'Content-Type': 'application/json' },
    body: body === undefined ? '' : JSON.stringify(body),
  };
}

/** Each workload a few times, by hand, and what comes back is looked at: the load looks at the status only. */
async function tryOut({ user }: Contender): Promise<void> {
  for (let times = 0; times < 10; times++) {
    for (const { name, method, path, body } of workloads) {
      const { data } = await user(method, path, body);
      const right =
        name === 'read'
          ? data.data.user === 'app'
          : name === 'batch'
            ? data.batch_results.length === 100 && data.batch_results.every((one: Sealed) => isSealed(one))
            : name === 'sign'
              ? /^vault:v1:/.test(data.signature)
              : isSealed(data);
      if (!right) throw new Error(`${path} answered ${JSON.stringify(data).slice(0, 200)}`);
    }
  }
}

interface Sealed {
  readonly ciphertext?: string;
}
const isSealed = ({ ciphertext }: Sealed) => /^vault:v1:/.test(ciphertext ?? '');

interface Compared {
  readonly workload: Workload;
  readonly ours: Measured;
  readonly theirs: Measured;
  /** Ours to theirs: requests per second, and the slowest of a hundred. */
  readonly ratio: number;
  readonly p99Ratio: number;
}

async function compare(workload: Workload, ours: Contender, theirs: Contender): Promise<Compared> {
  const measure = (who: Contender, time = seconds) => load(who, requestOf(workload, who), connections, time);
  for (const who of [ours, theirs]) await measure(who, Number(values['warm-up']));
  const seen: { readonly ours: Measured; readonly theirs: Measured }[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      const first = await measure(ours);
      seen.push({ ours: first, theirs: await measure(theirs) });
    } else {
      const first = await measure(theirs);
      seen.push({ theirs: first, ours: await measure(ours) });
    }
  }
  return {
    workload,
    ours: medians(seen.map((round) => round.ours)),
    theirs: medians(seen.map((round) => round.theirs)),
    ratio: median(seen.map((round) => round.ours.perSecond / round.theirs.perSecond)),
    p99Ratio: median(seen.map((round) => round.ours.p99 / round.theirs.p99)),
  };
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(rows[0]!), line(widths.map((width) => '-'.repeat(width))), ...rows.slice(1).map(line)].join('\n');
}

const figures = ({ perSecond, p50, p99, cpuPerRequest }: Measured) =>
  `${Math.round(perSecond)}/s, ${cpuPerRequest.toFixed(0)} us CPU, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;

const running: Target[] = [];
try {
  const ours = tls ? await production() : await development();
  running.push(ours);
  const theirs = await peer(ours.data);
  running.push(theirs);
  for (const who of [ours, theirs]) await tryOut(who);
  await delay(atRest);
  const memory = { ours: residentMiB(ours.pid), theirs: residentMiB(theirs.pid) };
  const compared: Compared[] = [];
  for (const workload of workloads) {
    if (values.only !== undefined && workload.name !== values.only) continue;
    compared.push(await compare(workload, ours, theirs));
  }
  await delay(atRest);
  const memoryAfter = { ours: residentMiB(ours.pid), theirs: residentMiB(theirs.pid) };
  const facts = {
    openbao: theirs.version,
    machine: `${availableParallelism()} x ${cpus()[0]?.model}`,
    tls,
    connections,
    rounds,
    seconds,
  };
  const auditMiB = statSync(theirs.auditFile).size / 1024 / 1024;
  if (values.json) {
    console.log(JSON.stringify({ ...facts, compared, memory, memoryAfter, auditMiB }, null, 2));
  } else {
    console.log(
      `Claviger beside OpenBao ${facts.openbao}, file audit device on (${auditMiB.toFixed(0)} MiB written), ${tls ? 'TLS' : 'no TLS'}, ` +
        `${connections} connections, ${rounds} rounds of ${seconds} s, medians; ${facts.machine}\n`,
    );
    const mib = (value: number) => `${value.toFixed(0)} MiB`;
    console.log(
      table([
        ['', 'Claviger', 'OpenBao', 'ratio', 'wanted', 'p99'],
        ...compared.map(({ workload, ours, theirs, ratio, p99Ratio }) => [
          workload.title,
          figures(ours),
          figures(theirs),
          ratio.toFixed(2),
          `>= ${workload.bar.toFixed(1)}`,
          p99Ratio.toFixed(2),
        ]),
        ...(
          [
            ['memory at rest after the start', memory],
            ['memory at rest after that load', memoryAfter],
          ] as const
        ).map(([name, { ours, theirs }]) => [name, mib(ours), mib(theirs), (ours / theirs).toFixed(2), '< 1.0', '']),
      ]),
    );
  }
} finally {
  await Promise.all(running.map((target) => target.stop()));
  rmSync(folder, { recursive: true, force: true });
}
