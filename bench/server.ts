import { createHash, createHmac } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type Claviger,
  heading,
  load,
  type Measured,
  median,
  medians,
  type Request,
  row,
  startBare,
  startClaviger,
  type Target,
} from './load.ts';

/**
 * Throughput of encryption with everything on, as a ratio to bare node:http in the same rounds: through the Vault door and the AWS
 * door, in the clear and under TLS; of decryption through the AWS door; and with the disk flush against without.
 *
 *   node bench/server.ts [--rounds 5] [--seconds 4] [--only vault|aws|decrypt|tls|flush]
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    only: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
// Long enough for the compiler to have settled.
const warmUp = 8;
const wanted = (name: string) => values.only === undefined || values.only === name;

const plaintext = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64');

function vaultRequest({ credentials }: Claviger): Request {
  return {
    path: '/v1/transit/encrypt/first',
    headers: { 'X-Vault-Token': credentials.token, 'Content-Type': 'application/json' },
    body: JSON.stringify({ plaintext }),
  };
}

const encrypting = { KeyId: 'alias/first', Plaintext: plaintext };

/** One signed request, valid for five minutes; the same may be sent again because the use of a key changes nothing. */
function awsRequest({ credentials, url }: Claviger, operation = 'Encrypt', fields: object = encrypting): Request {
  const body = JSON.stringify(fields);
  const now = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '');
  const day = now.slice(0, 8);
  const headers: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host: new URL(url).host,
    'x-amz-date': now,
    'x-amz-target': `TrentService.${operation}`,
  };
  const signed = Object.keys(headers).join(';');
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonical = `POST\n/\n\n${lines.join('')}\n${signed}\n${hash(body)}`;
  const scope = `${day}/us-east-1/kms/aws4_request`;
  const key = ['us-east-1', 'kms', 'aws4_request'].reduce(mac, mac(`AWS4${credentials.secretAccessKey}`, day));
  const signature = mac(key, `AWS4-HMAC-SHA256\n${now}\n${scope}\n${hash(canonical)}`).toString('hex');
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
  const { host: _, ...sent } = headers;
  return { path: '/', headers: sent, body };
}

/** The fields of a Decrypt of what the server itself encrypted. */
async function decrypting(claviger: Claviger): Promise<object> {
  const { path, headers, body } = awsRequest(claviger);
  const answer = await fetch(claviger.url + path, { method: 'POST', headers, body });
  const { CiphertextBlob } = (await answer.json()) as { readonly CiphertextBlob: string };
  return { KeyId: 'alias/first', CiphertextBlob };
}

interface Contender {
  readonly name: string;
  readonly target: Target;
  readonly request: (() => Request) | undefined;
}

/** Alternates the contenders round by round; the ratio is of each pair, then its median. */
async function compare(yardstick: Contender, contenders: readonly Contender[], connections: number): Promise<void> {
  const all = [yardstick, ...contenders];
  const results = new Map<Contender, Measured[]>(all.map((one) => [one, []]));
  for (const one of all) await load(one.target, one.request?.(), connections, warmUp);
  for (let round = 0; round < rounds; round++) {
    for (const one of all) results.get(one)!.push(await load(one.target, one.request?.(), connections, seconds));
  }
  console.log(`\n${connections} connections\n${heading}`);
  console.log(row(yardstick.name, medians(results.get(yardstick)!)));
  for (const one of contenders) {
    const ratios = results
      .get(one)!
      .map(({ perSecond }, round) => perSecond / results.get(yardstick)![round]!.perSecond);
    console.log(row(one.name, medians(results.get(one)!), median(ratios).toFixed(2)));
  }
}

if (wanted('vault') || wanted('aws')) {
  console.log('\nEncrypt 32 bytes, everything on, no TLS; ratio to bare node:http');
  const [bare, claviger] = [await startBare(), await startClaviger(['--bench-no-tls'])];
  const contenders = [
    ...(wanted('vault')
      ? [{ name: 'Vault transit/encrypt', target: claviger, request: () => vaultRequest(claviger) }]
      : []),
    ...(wanted('aws') ? [{ name: 'AWS Encrypt, SigV4', target: claviger, request: () => awsRequest(claviger) }] : []),
  ];
  for (const connections of [64, 256])
    await compare({ name: 'bare node:http', target: bare, request: undefined }, contenders, connections);
  await Promise.all([bare.stop(), claviger.stop()]);
}

if (wanted('decrypt')) {
  console.log('\nDecrypt 32 bytes, everything on, no TLS; ratio to bare node:http');
  const [bare, claviger] = [await startBare(), await startClaviger(['--bench-no-tls'])];
  const fields = await decrypting(claviger);
  const request = () => awsRequest(claviger, 'Decrypt', fields);
  for (const connections of [64, 256]) {
    await compare(
      { name: 'bare node:http', target: bare, request: undefined },
      [{ name: 'AWS Decrypt, SigV4', target: claviger, request }],
      connections,
    );
  }
  await Promise.all([bare.stop(), claviger.stop()]);
}

if (wanted('tls')) {
  console.log('\nThe same under TLS; ratio to bare node:https');
  const claviger = await startClaviger([]);
  const bare = await startBare([join(claviger.data, 'tls/server.pem'), join(claviger.data, 'tls/server.key')]);
  const contenders = [
    { name: 'Vault transit/encrypt, TLS', target: claviger, request: () => vaultRequest(claviger) },
    { name: 'AWS Encrypt, SigV4, TLS', target: claviger, request: () => awsRequest(claviger) },
  ];
  for (const connections of [64, 256])
    await compare({ name: 'bare node:https', target: bare, request: undefined }, contenders, connections);
  await Promise.all([bare.stop(), claviger.stop()]);
}

if (wanted('flush')) {
  console.log('\nDurable answers; ratio to the same server with the flush turned off');
  const [without, durable] = [
    await startClaviger(['--bench-no-tls', '--bench-no-flush']),
    await startClaviger(['--bench-no-tls']),
  ];
  const contender = (name: string, target: Claviger) => ({ name, target, request: () => vaultRequest(target) });
  for (const connections of [64, 256]) {
    await compare(contender('without flush', without), [contender('durable', durable)], connections);
  }
  await Promise.all([without.stop(), durable.stop()]);
}
