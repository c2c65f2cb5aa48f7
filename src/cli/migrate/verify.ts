import type { Servers, VaultHttp } from './http.ts';
import { parsed } from './json-bytes.ts';
import type { Item, KeyItem, SecretItem } from './plan.ts';
import { readValue } from './read-secret.ts';
import { encodePath, errorsIn, type Mount, Refused } from './source.ts';

/** 'same', or why that could not be seen; 'other' is a failure. */
export type Verdict = { readonly verdict: 'same' | 'other' } | { readonly verdict: 'unseen'; readonly reason: string };

/** Whether what came does here what it does there: keys by something new that the source makes, secrets by their values. */
export async function verify(servers: Servers, item: Item): Promise<Verdict> {
  try {
    return {
      verdict: (await (item.kind === 'key' ? sameKey(servers, item) : sameSecret(servers, item))) ? 'same' : 'other',
    };
  } catch (error) {
    if (error instanceof Refused) return { verdict: 'unseen', reason: error.message };
    throw error;
  }
}

type Words = Readonly<Record<string, unknown>>;

async function call(server: VaultHttp, path: string, body: object): Promise<Words> {
  const { status, body: answer } = await server.ask('POST', `/v1/${path}`, Buffer.from(JSON.stringify(body)));
  if (status !== 200) throw new Refused(status, path, errorsIn(answer));
  return (parsed(answer) as { data: Words }).data;
}

/** The newest version of the key there makes something of random bytes, which this server must open or find right. */
async function sameKey({ source, user }: Servers, { facts, mount, name, place }: KeyItem): Promise<boolean> {
  const random = crypto.getRandomValues(new Uint8Array(32)).toBase64();
  const there = (verb: string, body: object) =>
    call(source, `${encodePath(mount.path)}${verb}/${encodePath(name)}`, body);
  const here = (verb: string, body: object) => call(user, `${encodePath(place)}${verb}/${encodePath(name)}`, body);
  const context = facts.derived ? { context: random } : {};
  if (facts.type === 'hmac') {
    const { hmac } = await there('hmac', { input: random });
    return (await here('verify', { input: random, hmac })).valid === true;
  }
  if (facts.type.startsWith('ecdsa-') || facts.type === 'ed25519') {
    const { signature } = await there('sign', { input: random, ...context });
    return (await here('verify', { input: random, signature, ...context })).valid === true;
  }
  const { ciphertext } = await there('encrypt', { plaintext: random, ...context });
  try {
    return (await here('decrypt', { ciphertext, ...context })).plaintext === random;
  } catch (error) {
    // What the key refuses to open is not what it made.
    if (error instanceof Refused && error.status === 400) return false;
    throw error;
  }
}

/** Every version that shows its value there shows the same here. */
export async function sameSecret(
  { source, user }: Pick<Servers, 'source' | 'user'>,
  { facts, mount, name, place }: SecretItem,
): Promise<boolean> {
  const numbers = facts === undefined ? [0] : Object.keys(facts.versions).map(Number);
  const here = { ...mount, path: place };
  for (const number of numbers) {
    const given = await readValue(source, mount, name, number);
    if (given === undefined) continue;
    try {
      if (!(await isKept(user, here, name, number, given.value))) return false;
    } finally {
      given.whole.fill(0);
    }
  }
  return true;
}

async function isKept(user: VaultHttp, mount: Mount, name: string, number: number, given: Uint8Array) {
  const kept = await readValue(user, mount, name, number);
  const same = kept !== undefined && Buffer.compare(given, kept.value) === 0;
  kept?.whole.fill(0);
  return same;
}
