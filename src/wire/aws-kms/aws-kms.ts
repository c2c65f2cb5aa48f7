import type { Command, Gate } from '#domain/domain.ts';
import type { Door } from '#wire/wire.ts';
import { AwsJsonDoor, type AwsOperation } from '../common/aws-json.ts';
import { inManner } from './dry-run.ts';
import { awsError } from './errors.ts';
import { type Names, namesOf, refText } from './names.ts';
import { operations } from './operations.ts';
import type { Asked, Row } from './row.ts';

export interface AwsKmsOptions {
  /** What ARNs name as the region, such as 'us-east-1'. */
  readonly region: string;
  readonly newRequestId: () => string;
}

/** AWS KMS, API version 2014-11-01. */
export function awsKmsDoor(gate: Gate, { region, newRequestId }: AwsKmsOptions): Door {
  const names = namesOf(region);
  const door = new AwsJsonDoor(gate, {
    protocol: 'aws-kms',
    title: 'KMS',
    prefix: 'TrentService.',
    signedFor: 'kms',
    messageMember: 'message',
    takesUntargeted: true,
    newRequestId,
    error: awsError,
  });
  for (const [name, row] of Object.entries(operations)) door.add(name, operationOf(gate, row, names));
  return door;
}

function operationOf(gate: Gate, row: Row, names: Names): AwsOperation<Asked> {
  return {
    action: row.action,
    maxBody: row.maxBody,
    decode: (fields) => inManner(fields, row, row.decode(fields, names)),
    async answer(asked, proof, origin) {
      return row.encode(await gate.perform(proof, asked.command, origin), asked, names);
    },
    error: (error, proof, { command }) => awsError(error, proof, keyOf(command)),
  };
}

/** How the request named the key that an error is about; undefined where it named none or two. */
function keyOf(command: Command): string | undefined {
  return 'key' in command && command.key !== undefined ? refText(command.key) : undefined;
}
