import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';

/** One call of Vault's API; resolves with the answer's object ({} where there is none), rejects with what a refusal says. */
// biome-ignore lint/suspicious/noExplicitAny: each path has an answer of its own shape
export type Ask = (method: string, path: string, body?: object) => Promise<any>;

export function asking(url: string, token: string, ca: Buffer | undefined): Ask {
  const send = url.startsWith('https:') ? tlsRequest : plainRequest;
  return (method, path, body) =>
    new Promise((resolve, reject) => {
      const headers = { 'X-Vault-Token': token, 'Content-Type': 'application/json' };
      const options = { method, headers, agent: false, ...(ca === undefined ? undefined : { ca }) };
      const sent = send(`${url}/v1/${path}`, options, async (response) => {
        let text = '';
        for await (const chunk of response.setEncoding('utf8')) text += chunk;
        if (response.statusCode! < 300) resolve(text === '' ? {} : JSON.parse(text));
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${text.trim()}`));
      });
      sent.once('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
}
