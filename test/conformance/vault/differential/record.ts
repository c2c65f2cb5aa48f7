/**
 * Records what OpenBao answers to the script, or to one scenario of it:
 *
 *   node test/conformance/vault/differential/record.ts [--bao PATH] [--only SCENARIO]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { baoAt, startOpenBao } from '../../../openbao.ts';
import { play } from './play.ts';
import { recordingOf } from './recordings.ts';
import { script } from './script.ts';

const { values } = parseArgs({ options: { bao: { type: 'string', default: 'bao' }, only: { type: 'string' } } });
const { path: bao, version, missing } = baoAt(values.bao);
if (missing) throw new Error(missing);
for (const scenario of script) {
  if (values.only !== undefined && scenario.name !== values.only) continue;
  const server = await startOpenBao(bao);
  try {
    const answers = await play(scenario, server);
    writeFileSync(recordingOf(scenario.name), `${JSON.stringify({ openbao: version, answers }, undefined, 1)}\n`);
  } finally {
    await server.stop();
  }
}
