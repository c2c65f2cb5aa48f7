import type { Entry } from '#domain/domain.ts';
import { Refused, type Victim } from './server.ts';
import type { World } from './world.ts';

/** A thing as the acknowledged answers left it; `unsure` is what it is if the command that was cut off was done. */
interface Claim<T> {
  readonly id: string;
  now: T;
  unsure: T | undefined;
  /** Somebody is at it. */
  busy: boolean;
}

interface KeyFacts {
  readonly version: number;
  readonly enabled: boolean;
  readonly names: string;
}

interface KeyClaim extends Claim<KeyFacts> {
  readonly ciphertexts: string[];
}

type Presence = 'there' | 'gone';

interface TokenClaim extends Claim<Presence> {
  readonly token: string;
}

const secret = Buffer.from('claimed').toString('base64');

/** What a crowd of clients was told, for comparison with what is so after a crash. */
export class Claims {
  readonly #world: World;
  readonly #random: () => number;
  readonly #keys: KeyClaim[] = [];
  readonly #tokens: TokenClaim[] = [];
  readonly #grants: Claim<Presence>[] = [];
  readonly #identities: Claim<Presence>[] = [];
  /** Per action since `begin`: how many were acknowledged, and how many cut off. */
  readonly #counts = new Map<string, { acknowledged: number; cutOff: number }>();
  #names = 0;

  constructor(world: World, random: () => number) {
    this.#world = world;
    this.#random = random;
  }

  begin(): void {
    this.#counts.clear();
  }

  /** Does one thing after the other until the connection breaks. */
  async work(victim: Victim): Promise<void> {
    const deeds = [
      () => this.#createKey(victim),
      () => this.#changeKey(victim),
      () => this.#changeKey(victim),
      () => this.#encrypt(victim),
      () => this.#encrypt(victim),
      () => this.#createToken(victim),
      () => this.#revoke(victim, this.#tokens, 'revoke-token', ({ id }) => `/tokens/${id}`),
      () => this.#createGrant(victim),
      () => this.#revoke(victim, this.#grants, 'revoke-grant', ({ id }) => `/grants/${id}`),
      () => this.#createIdentity(victim),
    ];
    while (victim.isAlive) {
      try {
        await this.#pick(deeds)!();
      } catch (error) {
        if (error instanceof Refused) throw error;
        return;
      }
    }
  }

  /** One answered or cut-off call, counted. Asks again as long as others change what it was decided on. */
  async #ask<T>(victim: Victim, action: string, method: string, path: string, body?: object): Promise<T> {
    const count = this.#counts.get(action) ?? { acknowledged: 0, cutOff: 0 };
    this.#counts.set(action, count);
    try {
      const answer = await victim.native(this.#world.asker.token, method, path, body);
      count.acknowledged++;
      return answer as T;
    } catch (error) {
      if (error instanceof Refused && error.code === 'conflict') return this.#ask(victim, action, method, path, body);
      if (!(error instanceof Refused)) count.cutOff++;
      throw error;
    }
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#random() * from.length)];
  }

  /** One that nobody is at, for the time of `use`. */
  async #with<C extends Claim<unknown>>(claims: readonly C[], use: (claim: C) => Promise<void>): Promise<void> {
    const claim = this.#pick(claims.filter(({ busy, now }) => !busy && now !== 'gone'));
    if (claim === undefined) return;
    claim.busy = true;
    await use(claim);
    claim.busy = false;
  }

  async #createKey(victim: Victim): Promise<void> {
    const name = `random-${++this.#names}`;
    const { key } = await this.#ask<{ key: { id: string } }>(victim, 'create-key', 'POST', '/keys', { name });
    const now = { version: 1, enabled: true, names: name };
    this.#keys.push({ id: key.id, now, unsure: undefined, busy: false, ciphertexts: [] });
  }

  #changeKey(victim: Victim): Promise<void> {
    return this.#with(this.#keys, async (key) => {
      const { now } = key;
      const alias = `random-${++this.#names}`;
      const [action, method, path, next] = this.#pick([
        ['rotate-key', 'POST', 'rotate', { ...now, version: now.version + 1 }],
        ['disable-key', 'POST', 'disable', { ...now, enabled: false }],
        ['enable-key', 'POST', 'enable', { ...now, enabled: true }],
        ['create-alias', 'PUT', `aliases/${alias}`, { ...now, names: `${now.names},${alias}` }],
      ] as const)!;
      // Only an enabled key rotates, and at most 25 times.
      if (action === 'rotate-key' && (!now.enabled || now.version > 20)) return;
      if (action === 'create-alias' && now.names.split(',').length > 20) return;
      key.unsure = next;
      await this.#ask(victim, action, method, `/keys/${key.id}/${path}`);
      key.now = next;
      key.unsure = undefined;
    });
  }

  async #encrypt(victim: Victim): Promise<void> {
    return this.#with(this.#keys, async (key) => {
      if (!key.now.enabled) return;
      const path = `/keys/${key.id}/encrypt`;
      const answer = await this.#ask<{ ciphertext: string }>(victim, 'encrypt', 'POST', path, { plaintext: secret });
      key.ciphertexts.push(answer.ciphertext);
    });
  }

  async #createToken(victim: Victim): Promise<void> {
    const body = { ttlSeconds: 3600 };
    const made = await this.#ask<{ accessor: string; token: string }>(victim, 'create-token', 'POST', '/tokens', body);
    this.#tokens.push({ id: made.accessor, token: made.token, now: 'there', unsure: undefined, busy: false });
  }

  async #createGrant(victim: Victim): Promise<void> {
    const body = { grantee: 'staff', granteeKind: 'group', role: 'auditor' };
    const { grant } = await this.#ask<{ grant: { id: string } }>(victim, 'create-grant', 'POST', '/grants', body);
    this.#grants.push({ id: grant.id, now: 'there', unsure: undefined, busy: false });
  }

  async #createIdentity(victim: Victim): Promise<void> {
    const name = `random-${++this.#names}`;
    await this.#ask(victim, 'create-identity', 'POST', '/identities', { name });
    this.#identities.push({ id: name, now: 'there', unsure: undefined, busy: false });
  }

  #revoke<C extends Claim<Presence>>(
    victim: Victim,
    claims: readonly C[],
    action: string,
    pathOf: (claim: C) => string,
  ): Promise<void> {
    return this.#with<C>(claims, async (claim) => {
      claim.unsure = 'gone';
      await this.#ask(victim, action, 'DELETE', pathOf(claim));
      claim.now = 'gone';
      claim.unsure = undefined;
    });
  }

  /** Every acknowledged command has its line, and nobody else's command has one. */
  wrongLines(lines: readonly Entry[]): readonly string[] {
    const wrong: string[] = [];
    for (const [action, { acknowledged, cutOff }] of this.#counts) {
      const found = lines.filter((line) => line.action === action && line.outcome === 'ok').length;
      if (found < acknowledged || found > acknowledged + cutOff) {
        wrong.push(`${found} lines of ${action}, ${acknowledged} acknowledged and ${cutOff} cut off`);
      }
    }
    return wrong;
  }

  /** What is not as it was acknowledged. Takes what a command that was cut off did for what is so. */
  async wrongAt(victim: Victim): Promise<readonly string[]> {
    const wrong: string[] = [];
    const settle = <T>(claim: Claim<T>, found: T, what: string) => {
      const told = [claim.now, claim.unsure]
        .filter((facts) => facts !== undefined)
        .map((facts) => JSON.stringify(facts));
      if (!told.includes(JSON.stringify(found))) {
        wrong.push(`${what} ${claim.id} is ${JSON.stringify(found)} instead of ${told.join(' or ')}`);
      }
      claim.now = found;
      claim.unsure = undefined;
      claim.busy = false;
    };
    for (const key of this.#keys) {
      settle(key, await keyFacts(victim, this.#world.asker.token, key.id), 'key');
      for (const ciphertext of key.ciphertexts.splice(0)) {
        const outcome = await decrypted(victim, this.#world.asker.token, ciphertext);
        if (outcome !== (key.now.enabled ? secret : 'disabled')) wrong.push(`decrypt with ${key.id}: ${outcome}`);
      }
    }
    for (const token of this.#tokens) settle(token, await tokenIs(victim, token.token), 'token');
    const grants = await idsOf(victim, this.#world.asker.token, '/grants', 'grants', 'id');
    for (const grant of this.#grants) settle(grant, grants.has(grant.id) ? 'there' : 'gone', 'grant');
    const identities = await idsOf(victim, this.#world.asker.token, '/identities', 'identities', 'name');
    for (const one of this.#identities) settle(one, identities.has(one.id) ? 'there' : 'gone', 'identity');
    return wrong;
  }
}

async function keyFacts(victim: Victim, token: string, id: string): Promise<KeyFacts> {
  const { key } = (await victim.native(token, 'GET', `/keys/${id}`)) as {
    key: { version: number; enabled: boolean; names: string[] };
  };
  return { version: key.version, enabled: key.enabled, names: key.names.join() };
}

async function decrypted(victim: Victim, token: string, ciphertext: string): Promise<string> {
  try {
    return ((await victim.native(token, 'POST', '/decrypt', { ciphertext })) as { plaintext: string }).plaintext;
  } catch (error) {
    return error instanceof Refused ? error.code : String(error);
  }
}

async function tokenIs(victim: Victim, token: string): Promise<Presence> {
  try {
    await victim.native(token, 'GET', '/tokens/self');
    return 'there';
  } catch (error) {
    if (error instanceof Refused && (error.status === 401 || error.status === 403)) return 'gone';
    throw error;
  }
}

async function idsOf(
  victim: Victim,
  token: string,
  path: string,
  member: string,
  field: string,
): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (let after = ''; ; ) {
    const query = `${path}?limit=1000${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`;
    const page = (await victim.native(token, 'GET', query)) as Record<string, Record<string, string>[]> & {
      next?: string;
    };
    for (const item of page[member]!) ids.add(item[field]!);
    if (page.next === undefined) return ids;
    after = page.next;
  }
}
