import { setTimeout as sleep } from 'node:timers/promises';
import { Claims } from './claims.ts';
import { ledgerFault, pictureOf } from './picture.ts';
import { Refused, Victim } from './server.ts';
import type { Tally } from './tally.ts';
import { copyOf, discard, oldSecret, type World } from './world.ts';

const clients = 8;
/** Kills on one folder, each on what the one before left. */
const killsAFolder = 12;
/** Milliseconds under load before the kill, at most. */
const longest = 500;

/** A number from 0 to 1, the next of a sequence that `seed` fixes (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Kills servers under mixed load at random moments; whatever was acknowledged must be there afterwards. */
export async function randomKills(
  world: World,
  runs: number,
  random: () => number,
  tally: Tally,
  timeLeft: () => boolean = () => true,
): Promise<void> {
  while (tally.runs < runs && timeLeft()) {
    const data = copyOf(world);
    const claims = new Claims(world, random);
    let lines = (await pictureOf(data)).lines.length;
    for (let kill = 0; kill < killsAFolder && tally.runs < runs && timeLeft(); kill++) {
      const failures = tally.failures.length;
      lines = await oneKill(world, data, claims, lines, random, tally);
      if (tally.failures.length > failures) break;
    }
    discard(data);
  }
  tally.done();
}

/** Answers how many lines the ledger has then. */
async function oneKill(
  world: World,
  data: string,
  claims: Claims,
  lines: number,
  random: () => number,
  tally: Tally,
): Promise<number> {
  const victim = await Victim.start({ data, ...world.launch }, clients);
  claims.begin();
  const working = Promise.all(Array.from({ length: clients }, () => claims.work(victim)));
  const delay = random() * longest;
  await sleep(delay);
  await victim.kill();
  await working;
  tally.runs++;
  const how = `killed after ${delay.toFixed(0)} ms`;

  let again: Victim;
  try {
    again = await Victim.start({ data, ...world.launch }, clients);
  } catch (error) {
    tally.count('unverified', `${how}, it does not start again: ${(error as Error).message}`);
    return lines;
  }
  const picture = await pictureOf(data, lines);
  for (const wrong of claims.wrongLines(picture.lines)) tally.count('torn', `${how}, ${wrong}`);
  for (const wrong of await claims.wrongAt(again)) tally.count('lost', `${how}, ${wrong}`);
  const fault = await ledgerFault(data);
  if (fault !== undefined) tally.count('unverified', `${how}, the ledger: ${fault}`);
  for (const ciphertext of world.ciphertexts) {
    const answer = again.native(world.asker.token, 'POST', '/decrypt', { ciphertext }) as Promise<{
      plaintext: string;
    }>;
    const opened = await answer.then(
      ({ plaintext }) => plaintext === oldSecret,
      (error: unknown) => error instanceof Refused && false,
    );
    if (!opened) tally.count('unverified', `${how}, an old ciphertext does not decrypt`);
  }
  await again.kill();
  return (await pictureOf(data)).lines.length;
}
