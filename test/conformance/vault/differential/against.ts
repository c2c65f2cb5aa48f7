import { startServer } from '../../../harness.ts';
import { post, remove, type Scenario } from './call.ts';
import { differences } from './compare.ts';
import { play } from './play.ts';
import { type Differences, readRecording } from './recordings.ts';
import { script } from './script.ts';

/** A development server begins with a key, which no list of OpenBao's holds. */
const withoutFirstKey: Scenario = {
  name: 'without the first key',
  calls: [post('transit/keys/first/config', { deletion_allowed: true }), remove('transit/keys/first')],
};

/** Plays the script against Claviger, each scenario on a server of its own, and tells every difference from the recording. */
export async function playedDifferences(): Promise<{ readonly calls: number; readonly found: Differences }> {
  const found: Record<string, Record<string, readonly string[]>> = {};
  let calls = 0;
  for (const scenario of script) {
    const { answers: theirs } = readRecording(scenario.name);
    const server = await startServer();
    try {
      const { VAULT_ADDR: url, VAULT_TOKEN: token, VAULT_CACERT: ca } = await server.env();
      const place = { url: url!, token: token!, ...(ca === undefined ? {} : { ca }) };
      await play(withoutFirstKey, place);
      const ours = await play(scenario, place);
      const ofScenario: Record<string, readonly string[]> = {};
      for (const [i, answer] of ours.entries()) {
        const recorded = theirs[i];
        if (recorded?.call !== answer.call) throw new Error(`not recorded: ${answer.call}: run record.ts`);
        const list = differences(recorded, answer);
        if (list.length > 0) ofScenario[answer.call] = list;
      }
      if (theirs.length !== ours.length) throw new Error(`${scenario.name} was recorded from another script`);
      calls += ours.length;
      found[scenario.name] = ofScenario;
    } finally {
      await server.stop();
    }
  }
  return { calls, found };
}
