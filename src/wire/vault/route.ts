import { KmsError } from '#domain/domain.ts';
import { canonicalPath, decodeSegment } from './names.ts';
import type { Method, OpenRow, Row } from './row.ts';

/** A row with what is the same in each of its answers, made once. */
export interface Leaf {
  readonly row: Row;
  /** Everything of the answer behind `data`. */
  readonly tail: string;
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
  readonly places: Readonly<Record<string, string>>;
  /** What was matched, as policies judge it. */
  readonly path: string;
}

const prefix = '/v1/';
const noPlaces: Readonly<Record<string, string>> = Object.freeze({});

const newNode = (): Node => ({ steps: new Map(), place: undefined, rest: undefined, leaves: {}, open: undefined });

/** Walks the path step by step, so its cost doesn't grow with the table. */
export class Router {
  readonly #root = newNode();

  constructor(rows: readonly Row[], openRows: readonly OpenRow[]) {
    for (const row of rows) {
      for (const path of row.paths) this.#grow(path).leaves[row.method] = { row, tail: tailOf(path) };
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

  /** Undefined: no such path. The path begins with /v1/. Throws 'malformed' where percent-encoding is wrong. */
  find(method: string, raw: string, query: string): Found | undefined {
    const path = canonicalPath(raw.slice(prefix.length));
    if (path === undefined) return undefined;
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
        const rest = path.slice(from, end);
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
    return { leaf, open, places: places ?? noPlaces, path };
  }
}

function hasLeaves(node: Node): boolean {
  for (const _ in node.leaves) return true;
  return false;
}

function methodOf(method: string, query: string): Method | undefined {
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
      : (/^auth\/(token|approle|userpass)(?:\/|$)/.exec(path)?.[1] ?? 'system');
  return `,"wrap_info":null,"warnings":null,"auth":null,"mount_type":"${mount}"}`;
}
