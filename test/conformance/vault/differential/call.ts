/** One call of the script. `{word}` in a path, body or header stands for what an earlier call of its scenario kept under that word. */
export interface Call {
  readonly method: 'GET' | 'LIST' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'SCAN';
  /** Below /v1/, with its query. */
  readonly path: string;
  /** An object goes as JSON, a string as it is. */
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of the root's token; `''` is none. */
  readonly token?: string;
  /** word: the member of the answer that it will stand for, such as `data.ciphertext` or `data.batch_results.0.ciphertext`. */
  readonly keep?: Readonly<Record<string, string>>;
}

export interface Scenario {
  readonly name: string;
  readonly calls: readonly Call[];
}

type More = Omit<Call, 'method' | 'path' | 'body'>;

export const get = (path: string, more: More = {}): Call => ({ method: 'GET', path, ...more });
export const list = (path: string, more: More = {}): Call => ({ method: 'LIST', path, ...more });
export const remove = (path: string, more: More = {}): Call => ({ method: 'DELETE', path, ...more });
export const post = (path: string, body: object | string = {}, more: More = {}): Call => ({
  method: 'POST',
  path,
  body,
  ...more,
});
export const put = (path: string, body: object | string = {}, more: More = {}): Call => ({
  ...post(path, body, more),
  method: 'PUT',
});
export const patch = (path: string, body: object | string = {}, more: More = {}): Call => ({
  ...post(path, body, { headers: { 'content-type': 'application/merge-patch+json' }, ...more }),
  method: 'PATCH',
});

export const b64 = (text: string) => Buffer.from(text).toString('base64');

/** Stable while calls come and go around it. */
export function namesOf(calls: readonly Call[]): readonly string[] {
  const seen = new Map<string, number>();
  return calls.map(({ method, path, body, token }) => {
    const words = body === undefined ? '' : ` ${typeof body === 'string' ? body : JSON.stringify(body)}`;
    const name = `${method} ${path}${words.length > 160 ? `${words.slice(0, 160)}...` : words}${token === undefined ? '' : ` with ${token || 'no token'}`}`;
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}
