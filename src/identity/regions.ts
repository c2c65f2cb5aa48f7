import {
  accountOf,
  type Command,
  KmsError,
  type Outcome,
  type Principal,
  type Results,
  realmIn,
} from '#domain/domain.ts';
import { type Directory, ids, put, type Realm } from './directory.ts';
import { checkName, fold } from './names.ts';
import type { Realms } from './realms.ts';
import type { Standings } from './standing.ts';

/** RegionType of AWS' service models. */
const regionForm = /^(?=.{1,32}$)([a-z]+-){2,3}[0-9]+$/;

/** How many further ones: each is a name that a client's signature may choose. */
const maxRegions = 64;

/** Further regions of an account: realms for keys and their names, whose people and rights are the account's. */
export class Regions {
  readonly #directory: Directory;
  readonly #realms: Realms;
  readonly #standings: Standings;
  readonly #home: string;
  readonly #clock: () => number;

  constructor(directory: Directory, realms: Realms, standings: Standings, home: string, clock: () => number) {
    this.#directory = directory;
    this.#realms = realms;
    this.#standings = standings;
    this.#home = home;
    this.#clock = clock;
  }

  /** The realm that the account has or would have in that region. */
  realmIn(realm: string, region: string): string {
    return realmIn(accountOf(realm), region, this.#home);
  }

  /** As `realmIn`. Rejects with 'unsupported' where the account has no such region. */
  async existing(principal: Principal, region: string): Promise<string> {
    const account = accountOf(principal.realm);
    const known = region === this.#home || (await this.#directory.region(account, region)) !== undefined;
    if (!known) throw new KmsError('unsupported', `The account has no region ${region}; make it first.`);
    return realmIn(account, region, this.#home);
  }

  async create(
    principal: Principal,
    { name, region }: Command<'create-region'>,
  ): Promise<Outcome<Results['create-region']>> {
    checkName('realm', name);
    if (!regionForm.test(region)) {
      throw new KmsError(
        'invalid-parameter',
        'A region is called like eu-west-1: 1 to 32 of a-z, -, and digits at its end.',
      );
    }
    const own = await this.#realms.own(principal);
    const { account } = own;
    const there = await this.#directory.regions(account);
    // Of its own account only: a name that is taken elsewhere must not be told.
    if ([own, ...there].some((other) => fold(other.name) === fold(name))) {
      throw new KmsError('already-exists', `The account has a realm "${name}".`);
    }
    if (region === this.#home || there.some((other) => other.region === region)) {
      throw new KmsError('already-exists', `The account has a region ${region}.`);
    }
    if (there.length >= maxRegions) {
      throw new KmsError('limit-exceeded', `An account has at most ${maxRegions} further regions.`);
    }
    const realm: Realm = { account, region, name, createdAt: this.#clock(), first: false, revision: 0 };
    return {
      result: { name, account, region },
      change: {
        records: [put('realm', ids.region(account, region), realm)],
        summary: `region ${region} of account ${account}, called ${name}`,
        // Where a signature leads may be another realm from now on.
        applied: () => this.#standings.forget(),
      },
    };
  }
}
