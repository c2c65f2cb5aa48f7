/** Prints every difference, for whoever changes an answer: node test/conformance/vault/differential/list.ts */
import { playedDifferences } from './against.ts';

const { calls, found } = await playedDifferences();
process.stdout.write(`${JSON.stringify(found, undefined, 1)}\n`);
process.stdout.write(`${calls} calls, ${Object.values(found).flatMap(Object.values).flat().length} differences\n`);
