import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { SignatureV4a } from '@aws-sdk/signature-v4a';
import { SignatureV4 } from '@smithy/signature-v4';
import { KmsError } from '#domain/domain.ts';
import { toUtf8, view } from '#encoding/encoding.ts';
import { type Message, Sha256 } from '../../test/conformance/aws-sts/clients.ts';
import { type Member, Rig, type Signed, textOf } from './rig.test.ts';

/** 10^5 requests that differ a little from one that was signed: what is believed means what was signed. */

let member: Member;
let rig: Rig;
before(async () => {
  ({ rig, officer: member } = await Rig.withOfficer());
});

const body = 'Action=AssumeRole&RoleSessionName=a+b';
const message: Message = {
  ...{ method: 'POST', protocol: 'https:', hostname: 'localhost', port: 8200, path: '/a/b%20c/', body },
  query: { first: '1', second: 'two words', empty: '', 'e/q': 'a=b&c+d' },
  headers: {
    ...{ host: 'localhost:8200', 'content-type': 'application/x-www-form-urlencoded', 'x-amz-target': 'A.B' },
    ...{ 'x-custom': 'one two', 'x-list': 'a,b' },
  },
};

const unreserved = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

function proofOf({ method, path, query, headers, body: sent = '' }: Message): Signed {
  const pairs = Object.entries(query).map(([name, value]) => `${unreserved(name)}=${unreserved(value)}`);
  const flat = Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value]);
  return { kind: 'sigv4', method, path, query: pairs.join('&'), headers: flat, body: toUtf8(sent), services: ['kms'] };
}

async function signedProofs(): Promise<Record<string, Signed>> {
  const { accessKeyId, secretAccessKey } = member.set;
  const credentials = { accessKeyId, secretAccessKey: textOf(secretAccessKey) };
  const common = { service: 'kms', region: 'eu-central-1', sha256: Sha256, credentials };
  const when = { signingDate: new Date(rig.now) };
  const signer = new SignatureV4(common);
  const unhoistableHeaders = new Set(['x-amz-target']);
  return {
    header: proofOf((await signer.sign(message, when)) as Message),
    query: proofOf((await signer.presign(message, { ...when, expiresIn: 60, unhoistableHeaders })) as Message),
    asymmetric: proofOf((await new SignatureV4a({ ...common, region: '*' }).sign(message, when)) as Message),
  };
}

/** Written apart from the verifier: everything that a signature of the sort is to hold in place. */
function meaning({ method, path, query, headers, body: sent }: Signed, signed: readonly string[]): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  const decoded = query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => /^([^=]*)=?([\s\S]*)$/.exec(part)!.slice(1).map(decodeURIComponent))
    .map((pair) => JSON.stringify(pair))
    .sort();
  const values = signed.map((name) =>
    headers.flatMap((text, i) => (i % 2 === 1 && headers[i - 1] === name ? [text.trim().split(/\s+/).join(' ')] : [])),
  );
  const last = segments.length > 0 && path.endsWith('/');
  return JSON.stringify([
    method,
    segments,
    last,
    decoded,
    values.map((list) => list.join(',')),
    view(sent).toString('hex'),
  ]);
}

function mutator(seed: number) {
  let state = seed;
  const random = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const pieces = [
    '',
    ' ',
    '  ',
    '\t',
    'a',
    'A',
    '0',
    '=',
    '&',
    '/',
    '//',
    '/.',
    '/..',
    '%',
    '%20',
    '%2B',
    '+',
    ';',
    ',',
    'é',
    '\u0000',
  ];
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const edit = (text: string): string => {
    const at = random(text.length + 1);
    switch (random(6)) {
      case 0:
        return text.slice(0, at) + pick(pieces) + text.slice(at);
      case 1:
        return text.slice(0, at) + text.slice(at + 1 + random(3));
      case 2:
        return text.slice(0, at) + (text[at] ?? '').toUpperCase() + text.slice(at + 1);
      case 3:
        return text.slice(0, at) + (text[at] ?? '').toLowerCase() + text.slice(at + 1);
      case 4:
        return (
          text.slice(0, at) +
          (text[at] === undefined ? '' : `%${text.charCodeAt(at).toString(16).padStart(2, '0')}`) +
          text.slice(at + 1)
        );
      default:
        return text.slice(0, at) + pick(pieces) + text.slice(at + 1);
    }
  };
  const shuffled = <T>(list: readonly T[]): T[] =>
    list
      .map((item) => [random(1e9), item] as const)
      .sort(([a], [b]) => a - b)
      .map(([, item]) => item);
  const pairsOf = (headers: readonly string[]) =>
    headers.flatMap((_, i) => (i % 2 === 0 ? [headers.slice(i, i + 2)] : []));
  return (proof: Signed): Signed => {
    const headers = [...proof.headers];
    const at = random(headers.length / 2) * 2;
    switch (random(12)) {
      case 0:
        return { ...proof, headers: shuffled(pairsOf(headers)).flat() };
      case 1:
        return { ...proof, headers: [...headers, ...headers.slice(at, at + 2)] };
      case 2:
        headers.splice(at, 2);
        return { ...proof, headers };
      case 3:
        headers[at] = edit(headers[at]!);
        return { ...proof, headers };
      case 4:
      case 5:
        headers[at + 1] = edit(headers[at + 1]!);
        return { ...proof, headers };
      case 6:
        return { ...proof, headers: [...headers, pick(['x-amz-meta', 'x-other', 'host', 'x-amz-date']), pick(pieces)] };
      case 7:
        return { ...proof, path: edit(proof.path) };
      case 8:
        return { ...proof, query: edit(proof.query) };
      case 9:
        return { ...proof, query: shuffled(proof.query.split('&')).join(pick(['&', '&&'])) };
      case 10:
        return { ...proof, body: toUtf8(edit(body)) };
      default:
        return { ...proof, method: edit(proof.method) };
    }
  };
}

for (const [form, count] of [
  ['header', 60_000],
  ['query', 35_000],
  ['asymmetric', 5000],
] as const) {
  test(`of ${count} mutations of a request signed in the ${form} form none is believed that means something else`, async (t) => {
    const proof = (await signedProofs())[form]!;
    const whole = `${proof.query} ${proof.headers.join(' ')}`;
    const names = decodeURIComponent(/SignedHeaders=([^, &]+)/.exec(whole)![1]!).split(';');
    const right = meaning(proof, names);
    await rig.room.identify(proof, false);
    const mutate = mutator(count);
    let believed = 0;
    let other = 0;
    for (let i = 0; i < count; i++) {
      const mutated = mutate(i % 3 === 0 ? mutate(proof) : proof);
      try {
        const found = rig.room.identify(mutated, false);
        assert.equal((await found).name, 'olga');
      } catch (error) {
        if (!(error instanceof KmsError)) throw error;
        other++;
        continue;
      }
      believed++;
      assert.equal(meaning(mutated, names), right, JSON.stringify({ ...mutated, body: view(mutated.body).toString() }));
    }
    t.diagnostic(`${believed} believed, all of the same meaning; ${other} refused`);
    assert.ok(believed > count / 50 && other > count / 2);
  });
}
