import { KmsError } from '#domain/domain.ts';

/** What is written in HCL (version 1, as far as Vault's policies need it) or JSON. Items of an object keep their order and labels. */
export type AclValue = string | number | boolean | readonly AclValue[] | AclObject;

export interface AclObject {
  readonly items: ReadonlyArray<{ readonly keys: readonly string[]; readonly value: AclValue }>;
}

const maxLength = 128 * 1024;
const maxDepth = 8;

export const malformed = (why: string) => new KmsError('malformed-policy', `failed to parse policy: ${why}`);

const space = /[\s\uFEFF]+|#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const word = /[A-Za-z_][A-Za-z0-9_-]*/y;
const number = /-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?(?![\w.])/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON's reader takes none either.
const quoted = /"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/y;

/** Reads the whole text or throws 'malformed-policy'. */
export function readAclText(text: string): AclObject {
  if (text.length > maxLength) throw malformed(`it has more than ${maxLength} characters`);
  return new Reader(text).document();
}

class Reader {
  readonly #text: string;
  #at = 0;
  #json = false;

  constructor(text: string) {
    this.#text = text;
  }

  document(): AclObject {
    this.#json = this.#takes('{');
    const object = this.#items(0, this.#json ? '}' : '');
    this.#skip();
    if (this.#at < this.#text.length) throw this.#wrong('something stands behind its end');
    return object;
  }

  #items(depth: number, end: '}' | ''): AclObject {
    if (depth > maxDepth) throw this.#wrong('it is nested too deep');
    const items: Array<AclObject['items'][number]> = [];
    const taken = new Set<string>();
    for (;;) {
      if (end === '' ? this.#ended() : this.#takes(end)) return { items };
      if (this.#json && items.length > 0) this.#expect(',');
      const keys = this.#keys();
      const value = this.#value(depth);
      // Blocks differ by their labels; the same one twice is for whoever reads the object to allow.
      if (keys.length === 1 && taken.has(keys[0]!)) throw this.#wrong(`${JSON.stringify(keys[0])} is there twice`);
      if (keys.length === 1) taken.add(keys[0]!);
      items.push({ keys, value });
      if (!this.#json) this.#takes(',');
    }
  }

  /** Up to the value: `a =`, `"a" =`, `a {`, `a "label" {`, and in JSON `"a":`. */
  #keys(): readonly string[] {
    const keys = [this.#key()];
    if (this.#json) {
      this.#expect(':');
      return keys;
    }
    while (!this.#takes('=')) {
      if (this.#sees('{')) return keys;
      keys.push(this.#key());
      if (keys.length > 2) throw this.#wrong('a block has one label');
    }
    if (keys.length > 1) throw this.#wrong('a block with a label takes no "="');
    return keys;
  }

  #key(): string {
    if (this.#sees('"')) return this.#string();
    const key = this.#json ? undefined : this.#match(word);
    if (key === undefined) throw this.#wrong('a name is missing');
    return key;
  }

  #value(depth: number): AclValue {
    if (this.#takes('{')) return this.#items(depth + 1, '}');
    if (this.#takes('[')) return this.#list(depth + 1);
    if (this.#sees('"')) return this.#string();
    if (this.#sees('<')) throw this.#wrong('here-documents are not taken');
    const digits = this.#match(number);
    if (digits !== undefined) return Number(digits);
    const name = this.#match(word);
    if (name === 'true' || name === 'false') return name === 'true';
    throw this.#wrong('a value is missing');
  }

  #list(depth: number): readonly AclValue[] {
    if (depth > maxDepth) throw this.#wrong('it is nested too deep');
    const list: AclValue[] = [];
    while (!this.#takes(']')) {
      if (list.length > 0) {
        this.#expect(',');
        if (!this.#json && this.#takes(']')) break;
      }
      list.push(this.#value(depth));
    }
    return list;
  }

  #string(): string {
    const literal = this.#match(quoted);
    // The form is JSON's, so its own reader undoes the escapes.
    const value = literal === undefined ? undefined : (JSON.parse(literal) as string);
    if (value === undefined) throw this.#wrong('a string is not closed, or has an escape that is not known');
    if (value.includes('${')) throw this.#wrong('"${" is not taken in strings');
    if (!value.isWellFormed()) throw this.#wrong('a string is no valid Unicode');
    return value;
  }

  #skip(): void {
    while (this.#raw(space) !== undefined);
  }

  #ended(): boolean {
    this.#skip();
    return this.#at >= this.#text.length;
  }

  #sees(character: string): boolean {
    this.#skip();
    return this.#text[this.#at] === character;
  }

  #takes(character: string): boolean {
    const there = this.#sees(character);
    if (there) this.#at++;
    return there;
  }

  #expect(character: string): void {
    if (!this.#takes(character)) throw this.#wrong(`"${character}" is missing`);
  }

  #match(form: RegExp): string | undefined {
    this.#skip();
    return this.#raw(form);
  }

  #raw(form: RegExp): string | undefined {
    form.lastIndex = this.#at;
    const found = form.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #wrong(why: string): KmsError {
    const line = this.#text.slice(0, this.#at).split('\n').length;
    return malformed(`${why} (line ${line})`);
  }
}
