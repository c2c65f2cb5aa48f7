import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignatureV4 } from '@smithy/signature-v4';
import type { CredentialSet } from '#domain/domain.ts';
import { toUtf8, view } from '#encoding/encoding.ts';
import type { Request } from '#wire/wire.ts';
import { Sha256 } from '../../test/conformance/aws-sts/clients.ts';
import { awsCases } from './testing/aws-cases.ts';
import type { Cases } from './testing/cases.ts';
import { type Answer, Doors } from './testing/doors.ts';
import { House, textOf } from './testing/house.ts';
import { nativeCases } from './testing/native-cases.ts';
import { roleCases, stsCases } from './testing/role-cases.ts';
import { settled } from './testing/root-cases.ts';
import { secretCases } from './testing/secret-cases.ts';
import { vaultCases } from './testing/vault-cases.ts';

/** Every operation of every door with each credential that must not do: none is allowed, and each attempt leaves its line. */

type Sent = Omit<Request, 'peer'>;
/** Everything but what shows who asks is as in a request that succeeds. */
type Forgery = (request: Sent, cast: Cast) => Sent | Promise<Sent>;

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

const keysOf = ({ accessKeyId, secretAccessKey }: CredentialSet): Keys => ({
  accessKeyId,
  secretAccessKey: textOf(secretAccessKey),
});

/** Whose credentials are tried. */
interface Cast {
  readonly house: House;
  readonly first: CredentialSet;
  readonly leaver: CredentialSet;
  readonly stranger: CredentialSet;
  readonly session: Keys;
  readonly endedSession: Keys;
  readonly endedToken: string;
}

/** Sends every request as a forgery makes it, once it is told to. */
class ForgingDoors extends Doors {
  forge: ((request: Sent) => Sent | Promise<Sent>) | undefined;

  override async send(request: Sent): Promise<Answer> {
    return super.send((await this.forge?.(request)) ?? request);
  }
}

const proving = new Set(['authorization', 'x-vault-token', 'x-amz-date', 'x-amz-security-token']);
const entries = ({ headers }: Sent) =>
  headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]!] as const] : []));
const header = (request: Sent, name: string) => entries(request).find(([other]) => other === name)?.[1];
const withHeaders = (request: Sent, more: Readonly<Record<string, string>> = {}): Sent => ({
  ...request,
  headers: [...entries(request).filter(([name]) => !proving.has(name)), ...Object.entries(more)].flat(),
});

interface Signing {
  readonly at?: number;
  readonly service?: string;
  readonly presignedFor?: number;
}

/** The same request, signed by AWS' own signer. */
async function signedBy(
  request: Sent,
  keys: Keys,
  { at, service, presignedFor }: Signing,
  house: House,
): Promise<Sent> {
  const scope = /Credential=[^/]+\/[^/]+\/([^/]+)\/([^/]+)/.exec(header(request, 'authorization') ?? '');
  const bare = withHeaders(request);
  const message = {
    ...{ method: request.method, protocol: 'https:', hostname: 'localhost', path: request.path, query: {} },
    ...{ headers: Object.fromEntries(entries(bare)), body: view(request.body).toString('utf8') },
  };
  if (message.headers.host === undefined) message.headers.host = 'localhost';
  const signer = new SignatureV4({
    ...{
      credentials: keys,
      region: scope?.[1] ?? 'eu-central-1',
      service: service ?? scope?.[2] ?? 'kms',
      sha256: Sha256,
    },
  });
  const signingDate = new Date(at ?? house.now);
  const { headers, query = {} } =
    presignedFor === undefined
      ? await signer.sign(message, { signingDate })
      : await signer.presign(message, {
          ...{ signingDate, expiresIn: presignedFor },
          unhoistableHeaders: new Set(['x-amz-target', 'content-type']),
        });
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return { ...bare, query: pairs.join('&'), headers: Object.entries(headers).flat() };
}

const hour = 3_600_000;
const otherLast = (text: string) => text.slice(0, -1) + (text.endsWith('a') ? 'b' : 'a');

/** Where a signature shows who asks. */
const ofSignatures: Readonly<Record<string, Forgery>> = {
  'no credential': (request) => withHeaders(request),
  'a key that nobody has': (request, { house, first }) =>
    signedBy(request, { ...keysOf(first), accessKeyId: 'CLAVAAAAAAAAAAAAAAAA' }, {}, house),
  'the secret of somebody else': (request, { house, first, leaver }) =>
    signedBy(request, { ...keysOf(leaver), accessKeyId: first.accessKeyId }, {}, house),
  'a signature that is an hour old': (request, { house, first }) =>
    signedBy(request, keysOf(first), { at: house.now - hour }, house),
  'a signature of the hour to come': (request, { house, first }) =>
    signedBy(request, keysOf(first), { at: house.now + hour }, house),
  'a signature for another service': (request, { house, first }) =>
    signedBy(request, keysOf(first), { service: 'dynamodb' }, house),
  'a signature for another body': async (request, { house, first }) => ({
    ...(await signedBy({ ...request, body: toUtf8('{}') }, keysOf(first), {}, house)),
    body: toUtf8(`${view(request.body).toString('utf8')} `),
  }),
  'a presigned request that is over': (request, { house, first }) =>
    signedBy(request, keysOf(first), { presignedFor: 60, at: house.now - hour }, house),
  'a presigned request with the secret of somebody else': (request, { house, first, leaver }) =>
    signedBy(request, { ...keysOf(leaver), accessKeyId: first.accessKeyId }, { presignedFor: 60 }, house),
  'the keys of a session without its token': (request, { house, session: { sessionToken: _, ...keys } }) =>
    signedBy(request, keys, {}, house),
  'the token of another session': (request, { house, session, endedSession }) =>
    signedBy(request, { ...session, sessionToken: endedSession.sessionToken! }, {}, house),
  'a session that is over': (request, { house, endedSession }) => signedBy(request, endedSession, {}, house),
  'somebody who left': (request, { house, leaver }) => signedBy(request, keysOf(leaver), {}, house),
  'the token of Vault': (request, { first }) => withHeaders(request, { 'x-vault-token': textOf(first.token) }),
  'the token of our own API': (request, { first }) =>
    withHeaders(request, { authorization: `Bearer ${textOf(first.token)}` }),
};

/** Where a token does. */
const ofTokens: Readonly<Record<string, Forgery>> = {
  'no credential': (request) => withHeaders(request),
  'a token that nobody has': (request, { first }) => withToken(request, otherLast(textOf(first.token))),
  'a token that is over': (request, { endedToken }) => withToken(request, endedToken),
  'somebody who left': (request, { leaver }) => withToken(request, textOf(leaver.token)),
  'an access key id': (request, { first }) => withToken(request, first.accessKeyId),
  'a secret access key': (request, { first }) => withToken(request, textOf(first.secretAccessKey)),
  'the token of a session': (request, { session }) => withToken(request, session.sessionToken!),
  'a signature': (request, { house, first }) => signedBy(request, keysOf(first), {}, house),
};

const withToken = (request: Sent, token: string) =>
  withHeaders(
    request,
    header(request, 'x-vault-token') === undefined ? { authorization: `Bearer ${token}` } : { 'x-vault-token': token },
  );

const rightSignatures: readonly Forgery[] = [
  (request, { house, first }) => signedBy(request, keysOf(first), {}, house),
  (request, { house, first }) => signedBy(request, keysOf(first), { presignedFor: 60 }, house),
  (request, { house, session }) => signedBy(request, session, {}, house),
];
const rightTokens: readonly Forgery[] = [(request) => request];

/** What shows by itself who asks. */
const itsOwnProof = /^POST \/unseal$/;

const doorsOf: ReadonlyArray<readonly [door: string, cases: Cases, forgeries: typeof ofTokens]> = [
  ['AWS KMS', awsCases, ofSignatures],
  ['AWS Secrets Manager', secretCases, ofSignatures],
  ['STS', stsCases, ofSignatures],
  ['Vault', vaultCases, ofTokens],
  ['native', { ...nativeCases, ...roleCases }, ofTokens],
];

async function castOf(house: House): Promise<Cast> {
  const { first } = house;
  const leaver = await house.hire('leaver', 'developer');
  const ended = await house.perform({ kind: 'create-session', duration: hour });
  const { token } = await house.perform({ kind: 'create-token', ttl: hour });
  house.now += 2 * hour;
  const lasting = await house.perform({ kind: 'create-session', duration: 12 * hour });
  const sessionKeys = (made: typeof ended): Keys => ({
    accessKeyId: made.credentials.accessKeyId,
    secretAccessKey: textOf(made.credentials.secretAccessKey),
    sessionToken: textOf(made.credentials.sessionToken),
  });
  const { account } = await house.perform({ kind: 'create-realm', name: 'elsewhere' });
  const stranger = await house.hire('stranger', 'developer', { realm: account });
  await house.perform({ kind: 'disable-identity', name: leaver.identity });
  return {
    ...{ house, first, leaver, stranger, session: sessionKeys(lasting), endedSession: sessionKeys(ended) },
    endedToken: textOf(token),
  };
}

const isAllowed = ({ status, text }: Answer) => status >= 200 && status < 300 && !text.includes('"ErrorCode"');

for (const [door, cases, forgeries] of doorsOf) {
  test(`${door}: no operation is allowed by a credential that is wrong, and each try is in the ledger`, async () => {
    const house = await House.open();
    const doors = new ForgingDoors(house);
    const cast = await castOf(house);
    const rights = forgeries === ofSignatures ? rightSignatures : rightTokens;
    let tried = 0;
    for (const [name, ready] of Object.entries(cases)) {
      if (itsOwnProof.test(name)) continue;
      const send = await ready(doors);
      const rows = await house.rows();
      for (const [what, forgery] of Object.entries(forgeries)) {
        const size = house.ledgerSize;
        doors.forge = (request) => forgery(request, cast);
        const answer = await send();
        doors.forge = undefined;
        assert.ok(!isAllowed(answer), `${name} with ${what}: ${answer.text}`);
        const lines = await house.entries(size);
        assert.ok(lines.length >= 1, `${name} with ${what} leaves no line`);
        for (const { outcome } of lines) assert.notEqual(outcome, 'ok', `${name} with ${what}`);
      }
      assert.deepEqual(await house.rows(), rows, name);
      // And it was right but for its credential: with one that does, put there by the same hands, it is allowed.
      // A session makes no other.
      const right = rights[name === 'GetSessionToken' ? 0 : tried++ % rights.length]!;
      doors.forge = (request) => right(request, cast);
      const answer = await send();
      doors.forge = undefined;
      assert.ok(isAllowed(answer), `${name} answered ${answer.status}: ${answer.text}`);
      // What goes on behind the answer leaves a line of its own.
      if (name === 'POST /root/rotate') await settled(house);
      if (house.gate.status().sealed) await house.unseal();
    }
  });

  test(`${door}: a developer of another realm reaches nothing of this one`, async () => {
    const house = await House.open();
    const doors = new ForgingDoors(house);
    const cast = await castOf(house);
    const own = (rows: Map<string, string>) => [...rows].filter(([id]) => id.includes(house.realm));
    for (const [name, ready] of Object.entries(cases)) {
      if (itsOwnProof.test(name) || name.endsWith('-self')) continue;
      const send = await ready(doors);
      const [rows, size] = [own(await house.rows()), house.ledgerSize];
      doors.forge = (request) =>
        forgeries === ofTokens
          ? withToken(request, textOf(cast.stranger.token))
          : signedBy(request, keysOf(cast.stranger), {}, house);
      const answer = await send();
      doors.forge = undefined;
      if (house.gate.status().sealed) await house.unseal();
      // What names nothing of this realm happens in the stranger's own.
      assert.deepEqual(own(await house.rows()), rows, name);
      if (isAllowed(answer)) assert.ok(!answer.text.includes(house.realm), `${name}: ${answer.text}`);
      const lines = await house.entries(size);
      assert.ok(lines.length >= 1, name);
      for (const { realm } of lines) assert.notEqual(realm, house.realm, name);
    }
  });
}
