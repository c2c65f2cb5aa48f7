import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalServiceAccount, ReadLocalServiceAccount } from '#identity/identity.ts';

/** Where a pod finds what it is in its cluster. */
const usualFolder = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Clusters exchange tokens long before they end. Milliseconds. */
const freshness = 60_000;
const largest = 64 * 1024;

/** The service account of the pod that this server runs in, if it runs in one. */
export function localServiceAccount(clock: () => number, folder = usualFolder): ReadLocalServiceAccount {
  let known: LocalServiceAccount | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (clock() - readAt >= freshness) {
      known = read(folder);
      readAt = clock();
    }
    return known;
  };
}

function read(folder: string): LocalServiceAccount | undefined {
  try {
    const [token, ca] = ['token', 'ca.crt'].map((name) => readFileSync(join(folder, name), 'utf8'));
    const sound = token!.length + ca!.length <= largest && /^[\x21-\x7e]+\s*$/.test(token!);
    return sound ? { token: token!.trim(), ca: ca! } : undefined;
  } catch {
    return undefined;
  }
}
