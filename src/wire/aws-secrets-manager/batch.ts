import { type Command, type ErrorCode, type Gate, KmsError, type Origin, type Proof } from '#domain/domain.ts';
import { toPageMark } from '../common/aws-fields.ts';
import type { Batch } from './decode.ts';
import { secretValueEntry } from './encode.ts';
import { awsError } from './errors.ts';
import type { Names } from './names.ts';

export const batch = { name: 'BatchGetSecretValue', action: 'get-secret-value', maxBody: 64 * 1024 } as const;

/** What concerns one secret of a batch. All else is about the caller or the server, and ends the whole request. */
const oneSecrets: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'denied',
  'separation-of-duties',
  'secret-not-found',
  'secret-deleted',
  'secret-undecryptable',
  'invalid-state',
]);

/** Each secret is asked for by itself, and decided and recorded so; what can't be had is told beside the others. */
export async function performBatch(
  gate: Gate,
  proof: Proof,
  origin: Origin,
  asked: Batch,
  names: Names,
): Promise<string> {
  const found = 'search' in asked ? await search(gate, proof, origin, asked.search, names) : asked;
  const values: object[] = [];
  const errors: object[] = [];
  for (const [i, command] of found.each.entries()) {
    try {
      values.push(secretValueEntry(await gate.perform(proof, command, origin), names));
    } catch (error) {
      if (!(error instanceof KmsError) || !oneSecrets.has(error.code)) throw error;
      const { type, message } = awsError(error, proof);
      errors.push({ SecretId: found.ids[i], ErrorCode: type, Message: message });
    }
  }
  const next = 'next' in found && found.next !== undefined ? { NextToken: toPageMark(found.next) } : {};
  return JSON.stringify({ SecretValues: values, Errors: errors, ...next });
}

async function search(gate: Gate, proof: Proof, origin: Origin, command: Command<'list-secrets'>, names: Names) {
  const { secrets, next } = await gate.perform(proof, command, origin);
  const ids = secrets.map((secret) => names.secretArn(secret));
  const each = ids.map((id) => ({ kind: 'get-secret-value', secret: names.secretRef(id, 'SecretId') }) as const);
  return { ids, each, next };
}
