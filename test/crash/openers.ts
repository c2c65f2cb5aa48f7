import type { Refused, Victim } from './server.ts';

/**
 * What opens a server, as whoever keeps it was told: for certain where the answer came; perhaps where the answer that would bring it, or
 * take it away, didn't; no longer where it was taken away.
 */
export interface Opener {
  readonly seal: string;
  /** A passphrase, or shares, one a line. */
  readonly secret: string;
  state: 'there' | 'perhaps' | 'gone';
}

/** By data folder. */
const told = new Map<string, Opener[]>();

export const openersOf = (data: string): readonly Opener[] => told.get(data) ?? [];

export function tell(data: string, opener: Opener): Opener {
  told.set(data, [...openersOf(data), opener]);
  return opener;
}

export const forgetOpeners = (data: string): boolean => told.delete(data);

/** A folder that is copied is opened by the same. */
export function copyOpeners(from: string, to: string): void {
  for (const opener of openersOf(from)) tell(to, { ...opener });
}

/** Opens a sealed server by one of those that it was told it has. Rejects where none does. */
export async function openByAny(victim: Victim): Promise<Opener> {
  const refusals: string[] = [];
  for (const opener of openersOf(victim.data).filter(({ state }) => state !== 'gone')) {
    try {
      await bring(victim, opener);
      return opener;
    } catch (error) {
      refusals.push(`${opener.seal} (${opener.state}): ${(error as Error).message}`);
    }
  }
  throw new Error(`it opens by none of the seals it was told it has: ${refusals.join('; ')}`);
}

/** Those that share a root are given one at a time, as their custodians would. */
async function bring(victim: Victim, { seal, secret }: Opener): Promise<void> {
  for (const passphrase of secret.split('\n')) await victim.native('', 'POST', '/unseal', { passphrase, seal });
  const { sealed } = (await victim.native('', 'GET', '/status')) as { sealed: boolean };
  if (sealed) throw new Error('it is still sealed');
}

/** What of an unsealed server's seals is not as was told: those for certain open, those that are gone don't, and it has no other. */
export async function wrongSeals(victim: Victim, token: string): Promise<readonly string[]> {
  const wrong: string[] = [];
  const opened = new Set<string>();
  for (const opener of openersOf(victim.data)) {
    const opens = await proves(victim, token, opener);
    if (opens) opened.add(opener.seal);
    if (opener.state === 'there' && !opens) wrong.push(`${opener.seal} was acknowledged and does not open`);
    if (opener.state === 'gone' && opens) wrong.push(`${opener.seal} was taken away and opens`);
  }
  const { seals } = (await victim.native(token, 'GET', '/seals')) as {
    seals: ReadonlyArray<{ name: string; unproven?: true }>;
  };
  for (const { name } of seals) if (!opened.has(name)) wrong.push(`${name} is listed, and nothing opens it`);
  return wrong;
}

async function proves(victim: Victim, token: string, { seal, secret }: Opener): Promise<boolean> {
  try {
    let proven = false;
    for (const part of secret.split('\n')) {
      const answer = await victim.native(token, 'POST', `/seals/${seal}/prove`, { secret: part });
      proven = (answer as { proven: boolean }).proven;
    }
    return proven;
  } catch (error) {
    if ((error as Refused).status !== undefined) return false;
    throw error;
  }
}
