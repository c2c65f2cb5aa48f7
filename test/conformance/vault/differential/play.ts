import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request as plainRequest } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { type Call, namesOf, type Scenario } from './call.ts';
import { inKinds } from './kinds.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** One answer; what varies by nature is replaced by its kind. */
export interface Answer {
  readonly call: string;
  readonly status: number;
  /** Absent where the answer has no body. */
  readonly body?: Json;
}

export interface Server {
  readonly url: string;
  readonly token: string;
  readonly ca?: string;
}

const nothingKept = 'nothing-was-kept';

export async function play({ calls }: Scenario, { url, token, ca }: Server): Promise<readonly Answer[]> {
  const agent =
    ca === undefined ? new Agent({ keepAlive: true }) : new TlsAgent({ keepAlive: true, ca: readFileSync(ca) });
  const kept = new Map<string, string>();
  const fill = (text: string) => text.replace(/\{([a-z][\w-]*)\}/g, (_, word: string) => kept.get(word) ?? nothingKept);
  const names = namesOf(calls);
  const answers: Answer[] = [];
  for (const [i, call] of calls.entries()) {
    const { status, text } = await ask(agent, url, token, call, fill);
    const body: Json | undefined = text === '' ? undefined : JSON.parse(text);
    for (const [word, path] of Object.entries(call.keep ?? {})) {
      const found = memberAt(body, path);
      if (typeof found === 'string') kept.set(word, found);
    }
    answers.push({ call: names[i]!, status, ...(body === undefined ? {} : { body: inKinds(body) }) });
  }
  agent.destroy();
  return answers;
}

function ask(
  agent: Agent,
  url: string,
  rootToken: string,
  { method, path, body, headers = {}, token }: Call,
  fill: (text: string) => string,
): Promise<{ readonly status: number; readonly text: string }> {
  const sent = body === undefined ? '' : fill(typeof body === 'string' ? body : JSON.stringify(body));
  const asking = token === undefined ? rootToken : fill(token);
  const request = url.startsWith('https:') ? tlsRequest : plainRequest;
  const all = {
    ...(asking === '' ? {} : { 'x-vault-token': asking }),
    ...(sent === '' ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(sent)) }),
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const target = `${url}/v1/${encodeURI(fill(path))}`;
    const outgoing = request(target, { method, agent, headers: all }, (incoming: IncomingMessage) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode!, text: text.trim() }));
    });
    outgoing.on('error', reject);
    outgoing.end(sent);
  });
}

function memberAt(body: Json | undefined, path: string): Json | undefined {
  let found: Json | undefined = body;
  for (const step of path.split('.')) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as { readonly [name: string]: Json })[step];
  }
  return found;
}
