import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isOutboundUrl, type Outbound, type OutboundAnswer, type OutboundRequest } from '#identity/identity.ts';

const longestWait = 5000;
const largest = 256 * 1024;
/** More at once wait for their turn, as long as an answer may take: who can make the server ask others may not make it ask without end. */
const atOnce = 32;
const mostWaiting = 512;
let underWay = 0;
const waiting = new Set<() => void>();

/**
 * Asks another server over HTTPS, as the given authorities know it or else Node's own (and those of NODE_EXTRA_CA_CERTS), or over HTTP on this
 * machine; nowhere that an answer points to, in 5 s and 256 KiB. Rejects where that can't be.
 */
export const outbound: Outbound = async (asked) => {
  if (!isOutboundUrl(asked.url)) throw new Error('only https is asked');
  if (underWay < atOnce) underWay++;
  else await turn();
  try {
    return await answerOf(asked);
  } finally {
    const [next] = waiting;
    if (next === undefined) underWay--;
    else next();
  }
};

/** Resolves once somebody else is done and leaves his place. */
function turn(): Promise<void> {
  if (waiting.size >= mostWaiting) throw new Error('too much is asked at once');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const leave = () => {
    clearTimeout(timer);
    waiting.delete(take);
  };
  const take = () => {
    leave();
    resolve();
  };
  const timer = setTimeout(() => {
    leave();
    reject(new Error('too much is asked at once'));
  }, longestWait);
  waiting.add(take);
  return promise;
}

function answerOf({ url, ca, post, authorization }: OutboundRequest): Promise<OutboundAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<OutboundAnswer>();
  const headers = {
    accept: 'application/json',
    ...(authorization !== undefined && { authorization }),
    ...(post !== undefined && { 'content-type': post.type, 'content-length': String(Buffer.byteLength(post.body)) }),
  };
  const secure = url.startsWith('https:');
  // Of the whole exchange: an answer that trickles in is none.
  const signal = AbortSignal.timeout(longestWait);
  const options = { method: post === undefined ? 'GET' : 'POST', headers, signal, agent: false as const };
  const asking = secure
    ? // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      requestHttps(url, {
        ...options,
        ...(ca !== undefined && { ca }),
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true,
      })
    : requestHttp(url, options);
  asking.on('error', reject);
  // Also where no error says so: an answer that turns to another protocol ends the connection only.
  asking.on('close', () => reject(new Error('no answer')));
  asking.on('response', (answer) => {
    const parts: Buffer[] = [];
    let length = 0;
    answer.on('error', reject);
    answer.on('data', (part: Buffer) => {
      length += part.length;
      if (length > largest) asking.destroy(new Error(`answered more than ${largest} bytes`));
      else parts.push(part);
    });
    answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }));
  });
  asking.end(post?.body);
  return promise;
}
