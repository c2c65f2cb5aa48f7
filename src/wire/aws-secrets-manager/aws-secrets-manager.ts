import type { Gate } from '#domain/domain.ts';
import type { Door } from '#wire/wire.ts';
import { AwsJsonDoor, type AwsOperation } from '../common/aws-json.ts';
import { batch, performBatch } from './batch.ts';
import { type Batch, decodeBatchGetSecretValue } from './decode.ts';
import { awsError } from './errors.ts';
import { type Names, namesOf } from './names.ts';
import { operations } from './operations.ts';
import type { Asked, Row } from './row.ts';

export interface AwsSecretsManagerOptions {
  /** What ARNs name as the home region, such as 'us-east-1'. */
  readonly region: string;
  readonly newRequestId: () => string;
}

/** AWS Secrets Manager, API version 2017-10-17. */
export function awsSecretsManagerDoor(gate: Gate, { region, newRequestId }: AwsSecretsManagerOptions): Door {
  const names = namesOf(region);
  const door = new AwsJsonDoor(gate, {
    protocol: 'aws-secrets-manager',
    title: 'Secrets Manager',
    prefix: 'secretsmanager.',
    signedFor: 'secretsmanager',
    messageMember: 'Message',
    newRequestId,
    error: awsError,
  });
  for (const [name, row] of Object.entries(operations)) door.add(name, operationOf(gate, row, names));
  door.add(batch.name, batchOperation(gate, names));
  return door;
}

function operationOf(gate: Gate, row: Row, names: Names): AwsOperation<Asked> {
  return {
    action: row.action,
    maxBody: row.maxBody,
    decode: (fields) => row.decode(fields, names),
    async answer(asked, proof, origin) {
      return row.encode(await gate.perform(proof, asked.command, origin), asked, names);
    },
    error: (error, proof) => awsError(error, proof, row.faults),
  };
}

function batchOperation(gate: Gate, names: Names): AwsOperation<Batch> {
  return {
    action: batch.action,
    maxBody: batch.maxBody,
    decode: (fields) => decodeBatchGetSecretValue(fields, names),
    answer: (asked, proof, origin) => performBatch(gate, proof, origin, asked, names),
    error: (error, proof) => awsError(error, proof),
  };
}
