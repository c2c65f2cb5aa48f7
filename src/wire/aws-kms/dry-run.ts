import { type Command, KmsError } from '#domain/domain.ts';
import { type JsonObject, optionalArray, optionalBoolean } from '../common/common.ts';
import { invalid, unsupported } from './errors.ts';
import type { Asked, Row } from './row.ts';

/** What was asked for, to be decided only where the request says so. An operation without dry runs refuses rather than acts. */
export function inManner(fields: JsonObject, row: Row, asked: Asked): Asked {
  if (!Object.hasOwn(fields, 'DryRun') || optionalBoolean(fields, 'DryRun') !== true) return asked;
  if (row.dryRun !== true) throw unsupported('DryRun of this operation');
  return { ...asked, command: { ...asked.command, dryRun: true } as Command };
}

/** DryRunModifiers: whether the rights alone are asked for, so that there is no ciphertext to be judged. */
export function ignoresCiphertext(fields: JsonObject): boolean {
  if (!Object.hasOwn(fields, 'DryRunModifiers')) return false;
  const modifiers = optionalArray(fields, 'DryRunModifiers') ?? [];
  for (const modifier of modifiers) {
    if (typeof modifier !== 'string') throw new KmsError('malformed', 'DryRunModifiers must be a list of strings.');
    if (modifier !== 'IGNORE_CIPHERTEXT') {
      throw invalid('DryRunModifiers', 'Member must satisfy enum value set: [IGNORE_CIPHERTEXT]');
    }
  }
  if (modifiers.length > 0 && optionalBoolean(fields, 'DryRun') !== true) {
    throw invalid('DryRunModifiers', 'Member is for dry runs only');
  }
  return modifiers.length > 0;
}
