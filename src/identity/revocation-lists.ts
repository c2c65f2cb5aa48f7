import { type ChainLink, readRevocationList } from '#crypto/crypto.ts';
import { type Command, KmsError, type Outcome, type Principal, type Results } from '#domain/domain.ts';
import { toHex } from '#encoding/encoding.ts';
import type { AuthMounts } from './auth-mounts.ts';
import { type Directory, ids, put, type RevocationListRecord, remove } from './directory.ts';
import { fold } from './names.ts';
import { Recent } from './recent.ts';

const maxLists = 100;
const maxSerials = 10_000;

/** The lists of a mount, read once for each state of them. */
interface Revoked {
  readonly state: string;
  /** `ISSUER/SERIAL`, the issuer's name as it is encoded, in hexadecimal digits. */
  readonly certificates: ReadonlySet<string>;
}

/** What authorities took back, as officers told the mounts of type `cert`. Lists stay in force until they are deleted. */
export class RevocationLists {
  readonly #directory: Directory;
  readonly #mounts: AuthMounts;
  readonly #revoked = new Recent<Revoked>(64);

  constructor(directory: Directory, mounts: AuthMounts) {
    this.#directory = directory;
    this.#mounts = mounts;
  }

  /** Whether one of the chain was taken back by its own issuer. */
  async holds({ realm, id }: { readonly realm: string; readonly id: string }, chain: readonly ChainLink[]) {
    const lists = await this.#directory.revocationLists(realm, id);
    if (lists.length === 0) return false;
    const state = lists.map(({ name, createdAt, revision }) => `${name}/${createdAt}/${revision}`).join();
    let known = this.#revoked.get(id);
    if (known?.state !== state) {
      known = {
        state,
        certificates: new Set(lists.flatMap(({ issuer, serials }) => serials.map((it) => `${issuer}/${it}`))),
      };
      this.#revoked.set(id, known);
    }
    const { certificates } = known;
    return chain.some(({ issuer, serial }) => certificates.has(`${toHex(issuer)}/${serial}`));
  }

  async write(
    { realm }: Principal,
    command: Command<'write-revocation-list'>,
    now: number,
  ): Promise<Outcome<Results['write-revocation-list']>> {
    const name = fold(command.name);
    if (!/^[a-z0-9_.-]{1,64}$/.test(name)) {
      throw new KmsError('invalid-parameter', 'The name of a list has 1 to 64 letters, digits, "_", "-" and ".".');
    }
    const { id: mount, path } = await this.#mounts.of(realm, 'cert', command.mount);
    const read = readRevocationList(command.list);
    if (read === undefined) throw new KmsError('invalid-parameter', 'failed to parse CRL');
    if (read.serials.length > maxSerials) {
      throw new KmsError('limit-exceeded', `A list names at most ${maxSerials} certificates.`);
    }
    const lists = await this.#directory.revocationLists(realm, mount);
    const known = lists.find((list) => list.name === name);
    if (known === undefined && lists.length >= maxLists) {
      throw new KmsError('limit-exceeded', `A mount has at most ${maxLists} lists.`);
    }
    const record: RevocationListRecord = {
      ...{ realm, mount, name, revision: known?.revision ?? 0, createdAt: now },
      ...{ issuer: toHex(read.issuer), serials: read.serials },
    };
    return {
      result: {},
      change: {
        records: [put('revocation-list', ids.revocationList(realm, mount, name), record)],
        summary: `revocation list ${name} at ${path}/, ${read.serials.length} certificates`,
      },
    };
  }

  async read(
    { realm }: Principal,
    command: Command<'read-revocation-list'>,
  ): Promise<Outcome<Results['read-revocation-list']>> {
    return { result: { serials: (await this.#existing(realm, command)).serials } };
  }

  async delete(
    { realm }: Principal,
    command: Command<'delete-revocation-list'>,
  ): Promise<Outcome<Results['delete-revocation-list']>> {
    const record = await this.#existing(realm, command);
    const { mount, name } = record;
    return {
      result: {},
      change: {
        records: [remove('revocation-list', ids.revocationList(realm, mount, name), record)],
        summary: `deleted revocation list ${name}`,
      },
    };
  }

  async list(
    { realm }: Principal,
    command: Command<'list-revocation-lists'>,
  ): Promise<Outcome<Results['list-revocation-lists']>> {
    const { id } = await this.#mounts.of(realm, 'cert', command.mount);
    return { result: { names: (await this.#directory.revocationLists(realm, id)).map(({ name }) => name) } };
  }

  async #existing(realm: string, { name, mount }: { readonly name: string; readonly mount?: string }) {
    const { id } = await this.#mounts.of(realm, 'cert', mount);
    const found = (await this.#directory.revocationLists(realm, id)).find((list) => list.name === fold(name));
    if (found === undefined) throw new KmsError('not-found', `no such CRL ${name.slice(0, 64)}`, 'revocation-list');
    return found;
  }
}
