const longestWait = 3000;
const largest = 256 * 1024;

/**
 * Reads the published keys of an identity provider: over HTTPS as Node's own authorities know it (and those of NODE_EXTRA_CA_CERTS), from where the
 * URL says and nowhere that an answer points to, in 3 s and 256 KiB. Rejects where that can't be.
 */
export async function fetchKeySet(url: string): Promise<string> {
  if (!url.startsWith('https://')) throw new Error('keys are read over https only');
  const answer = await fetch(url, {
    redirect: 'error',
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(longestWait),
  });
  if (answer.status !== 200 || answer.body === null) throw new Error(`answered ${answer.status}`);
  const parts: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop early cancels the rest.
  for await (const part of answer.body as ReadableStream<Uint8Array>) {
    length += part.length;
    if (length > largest) throw new Error(`answered more than ${largest} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
