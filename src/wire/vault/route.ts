import { type AuthMountPlace, KmsError, type Mount } from '#domain/domain.ts';
import { canonicalPath, decodeSegment } from './names.ts';
import type { Method, OpenRow, Row } from './row.ts';

/** A row with what is the same in each of its answers, made once. */
export interface Leaf {
  readonly row: Row;
  /** Everything of the answer behind `data`. */
  readonly tail: string;
  /** What the names in its path begin with, of the mount that is always there. */
  readonly folder: string;
}

interface Node {
  readonly steps: Map<string, Node>;
  /** The step that takes any segment. */
  place: { readonly name: string; readonly node: Node } | undefined;
  rest: Node | undefined;
  readonly leaves: Partial<Record<Method, Leaf>>;
  open: OpenRow | undefined;
}

export interface Found {
  /** Undefined: there is such a path, but not with this method. */
  readonly leaf: Leaf | undefined;
  readonly open: OpenRow | undefined;
  /** Names of keys and secrets as they are without the mount. */
  readonly places: Readonly<Record<string, string>>;
  /** What was matched, as policies judge it. */
  readonly path: string;
  /** What those names begin with; '' for all names. */
  readonly folder: string;
  /** Of a realm's own making. */
  readonly mount?: Mount;
}

/** A path that leads somewhere, if at all, only in the realm of who asks. */
export interface Elsewhere {
  readonly elsewhere: string;
}

const prefix = '/v1/';
/** What paths of logins begin with. */
export const ofLogins = 'auth/';
/** Auth mounts whose type is known without asking. */
const alwaysThere = /^auth\/(?:token|approle|userpass)(?:\/|$)/;
const noPlaces: Readonly<Record<string, string>> = Object.freeze({});

const newNode = (): Node => ({ steps: new Map(), place: undefined, rest: undefined, leaves: {}, open: undefined });

/** Walks the path step by step, so its cost doesn't grow with the table. Behind a `*` one more step may stand. */
export class Router {
  readonly #root = newNode();
  readonly #largest = new Map<string, number>();

  constructor(rows: readonly Row[], openRows: readonly OpenRow[]) {
    for (const row of rows) {
      for (const path of row.paths) {
        this.#grow(path).leaves[row.method] = {
          row,
          tail: tailOf(path),
          folder: /^kv(?:\/|$)/.test(path) ? 'kv/' : '',
        };
      }
      const logs = row.paths.some((path) => path.startsWith(ofLogins));
      for (const kind of logs ? [row.method, ofLogins + row.method] : [row.method]) {
        this.#largest.set(kind, Math.max(row.maxBody, this.#largest.get(kind) ?? 0));
      }
    }
    for (const open of openRows) for (const path of open.paths) this.#grow(path).open = open;
  }

  #grow(path: string): Node {
    let node = this.#root;
    for (const step of path.split('/')) {
      if (step === '*') {
        node.rest ??= newNode();
        node = node.rest;
      } else if (step.startsWith(':')) {
        node.place ??= { name: step.slice(1), node: newNode() };
        if (node.place.name !== step.slice(1)) throw new Error(`two names for one place of ${path}`);
        node = node.place.node;
      } else {
        let next = node.steps.get(step);
        if (next === undefined) {
          next = newNode();
          node.steps.set(step, next);
        }
        node = next;
      }
    }
    return node;
  }

  /** Bytes: what no row of this method goes beyond, wherever a path leads that is elsewhere. */
  largestBody(method: string, { elsewhere }: Elsewhere, query: string): number {
    return this.#largest.get(`${elsewhere.startsWith(ofLogins) ? ofLogins : ''}${methodOf(method, query)}`) ?? 0;
  }

  /** Undefined: no such path. The path begins with /v1/. Throws 'malformed' where percent-encoding is wrong. */
  find(method: string, raw: string, query: string): Found | Elsewhere | undefined {
    const path = canonicalPath(raw.slice(prefix.length));
    return path === undefined ? undefined : this.findCanonical(method, path, query);
  }

  /** The same, of a path as policies judge it. */
  findCanonical(method: string, path: string, query: string): Found | Elsewhere | undefined {
    if (path.startsWith(ofLogins) && !alwaysThere.test(path)) return { elsewhere: path };
    const found = this.#walk(method, path, query);
    if (found === undefined) return this.#isOwn(path) ? undefined : { elsewhere: path };
    const folder = found.leaf?.folder ?? '';
    return folder === '' ? found : below(folder, found);
  }

  #isOwn(path: string): boolean {
    const slash = path.indexOf('/');
    return this.#root.steps.has(slash < 0 ? path : path.slice(0, slash));
  }

  /** What a canonical path at or below a mount leads to: what its engine does at the mount that is always there. */
  findAt(mount: Mount, method: string, path: string, query: string): Found | undefined {
    const engine = mount.engine === 'transit' ? 'transit' : mount.version === 1 ? 'kv' : 'secret';
    const found = this.#walk(method, `${engine}${path.slice(mount.path.length - 1)}`, query);
    return found && { ...below(mount.path, found), path, mount };
  }

  /** What a canonical path at or below an auth mount leads to: what logins of its type do at the path of their own name. */
  findLogin(
    { realm, path: mount, type }: AuthMountPlace,
    method: string,
    path: string,
    query: string,
  ): Found | undefined {
    const below = path.slice(ofLogins.length + mount.length);
    const found = this.#walk(method, `${ofLogins}${type === 'oidc' ? 'jwt' : type}${below}`, query);
    return found && { ...found, path, places: { ...found.places, realm, mount } };
  }

  #walk(method: string, path: string, query: string): Found | undefined {
    let node: Node = this.#root;
    let places: Record<string, string> | undefined;
    const end = path.length;
    for (let from = 0; from <= end; ) {
      const slash = path.indexOf('/', from);
      const to = slash < 0 ? end : slash;
      const segment = path.slice(from, to);
      const next: Node | undefined = node.steps.get(segment);
      if (next !== undefined) node = next;
      else if (node.place !== undefined && segment !== '') {
        places ??= {};
        places[node.place.name] = decodeSegment(segment);
        node = node.place.node;
      } else if (node.rest !== undefined) {
        node = node.rest;
        let rest = path.slice(from, end);
        const last = rest.lastIndexOf('/');
        const tail = node.steps.size === 0 || last < 0 ? undefined : node.steps.get(rest.slice(last + 1));
        if (tail !== undefined) {
          node = tail;
          rest = rest.slice(0, last);
        }
        // Policies tell the two apart, and what the rest names doesn't.
        if (/%2f/i.test(rest)) throw new KmsError('malformed', 'In this path a slash is written as it is, not as %2F.');
        places = { ...places, rest };
        break;
      } else return undefined;
      from = to + 1;
    }
    const wanted = methodOf(method, query);
    const leaf = wanted === undefined ? undefined : node.leaves[wanted];
    const open = method === 'GET' || method === 'HEAD' ? node.open : undefined;
    if (leaf === undefined && open === undefined && node.open === undefined && !hasLeaves(node)) return undefined;
    return { leaf, open, places: places ?? noPlaces, path, folder: '' };
  }
}

/** The same with whole names. Safe by being done once, here: no row can forget in which folder it is. */
function below(folder: string, found: Found): Found {
  const { name, rest } = found.places;
  return {
    ...found,
    folder,
    places: {
      ...found.places,
      ...(name !== undefined && { name: folder + name }),
      ...(rest !== undefined && { rest: folder + rest }),
    },
  };
}

function hasLeaves(node: Node): boolean {
  for (const _ in node.leaves) return true;
  return false;
}

/** What asks for the help of a path, with whatever method, does nothing else at Vault's. */
const helped = /(?:^|&)help=[^&]/;

function methodOf(method: string, query: string): Method | undefined {
  if (query !== '' && helped.test(query)) return undefined;
  switch (method) {
    case 'POST':
    case 'PUT':
      return 'POST';
    case 'GET':
      return query !== '' && /(?:^|&)list=(?:true|1|t)(?:&|$)/i.test(query) ? 'LIST' : 'GET';
    case 'LIST':
    case 'PATCH':
    case 'DELETE':
      return method;
    default:
      return undefined;
  }
}

function tailOf(path: string): string {
  const mount = /^(?:secret|kv)(?:\/|$)/.test(path)
    ? 'kv'
    : path.startsWith('transit')
      ? 'transit'
      : (/^auth\/(token|approle|userpass|jwt|kubernetes|cert)(?:\/|$)/.exec(path)?.[1] ?? 'system');
  return `,"wrap_info":null,"warnings":null,"auth":null,"mount_type":"${mount}"}`;
}
