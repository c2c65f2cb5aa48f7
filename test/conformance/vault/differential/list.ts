/** Writes differences.json anew: node test/conformance/vault/differential/list.ts. Every line of its change is to be understood. */
import { writeFileSync } from 'node:fs';
import { playedDifferences } from './against.ts';
import { differencesFile } from './recordings.ts';

const { calls, found } = await playedDifferences();
writeFileSync(differencesFile, `${JSON.stringify(found, undefined, 1)}\n`);
process.stdout.write(`${calls} calls, ${Object.values(found).flatMap(Object.values).flat().length} differences\n`);
