import { readFileSync, writeFileSync } from 'node:fs';
import { clientKinds, type Service } from '../test/conformance/clients/clients.ts';
import { doors } from '../test/conformance/clients/doors.ts';
import { triedPath } from './aws-clients.ts';

/**
 * Writes down which versions of the official clients are on this machine, and which operations they are too old for; what other
 * programs did is kept as it stands. Run it when a client was updated, then `node tools/protocol-docs.ts`.
 */

const versions: Record<string, string> = {};
const unknown: Record<string, string[]> = {};

for (const kind of clientKinds) {
  if (kind.missing) throw new Error(`${kind.name}: ${kind.missing}`);
  versions[kind.name] = kind.version;
  const missing: string[] = [];
  const client = kind.start({ AWS_REGION: 'us-east-1', AWS_DEFAULT_REGION: 'us-east-1' });
  for (const [service, { operations }] of Object.entries(doors)) {
    for (const operation of operations) {
      if (!(await client.knows(service as Service, operation))) missing.push(`${service} ${operation}`);
    }
  }
  client.close();
  if (missing.length > 0) unknown[kind.name] = missing;
}

const { programs } = JSON.parse(readFileSync(triedPath, 'utf8'));
writeFileSync(triedPath, `${JSON.stringify({ versions, unknown, programs }, undefined, 2)}\n`);
