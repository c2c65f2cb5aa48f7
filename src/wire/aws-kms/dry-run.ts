import type { Command } from '#domain/domain.ts';
import { invalid, unsupported } from '../common/aws-errors.ts';
import { list, string } from '../common/aws-fields.ts';
import { type JsonObject, optionalArray, optionalBoolean } from '../common/common.ts';
import type { Asked, Row } from './row.ts';

/** What was asked for, with what any operation may say of itself: to be decided only, and by which grants. */
export function inManner(fields: JsonObject, row: Row, asked: Asked): Asked {
  const grantTokens = Object.hasOwn(fields, 'GrantTokens') ? tokens(fields) : undefined;
  const dryRun = Object.hasOwn(fields, 'DryRun') && optionalBoolean(fields, 'DryRun') === true;
  if (grantTokens === undefined && !dryRun) return asked;
  // An operation without dry runs refuses rather than acts.
  if (dryRun && row.dryRun !== true) throw unsupported('DryRun of this operation');
  const manner = { ...(grantTokens && { grantTokens }), ...(dryRun && { dryRun }) };
  return { ...asked, command: { ...asked.command, ...manner } as Command };
}

function tokens(fields: JsonObject): readonly string[] | undefined {
  const given = list(fields, 'GrantTokens', [0, 10], (one) => {
    const token = string(one, 'GrantTokens');
    if (token.length < 1 || token.length > 8192) {
      throw invalid('GrantTokens', 'Member must satisfy constraint: [Member must have length from 1 to 8192]');
    }
    return token;
  });
  return given?.length === 0 ? undefined : given;
}

/** DryRunModifiers: whether the rights alone are asked for, so that there is no ciphertext to be judged. */
export function ignoresCiphertext(fields: JsonObject): boolean {
  if (!Object.hasOwn(fields, 'DryRunModifiers')) return false;
  const modifiers = optionalArray(fields, 'DryRunModifiers') ?? [];
  for (const modifier of modifiers) {
    if (string(modifier, 'DryRunModifiers') !== 'IGNORE_CIPHERTEXT') {
      throw invalid('DryRunModifiers', 'Member must satisfy enum value set: [IGNORE_CIPHERTEXT]');
    }
  }
  if (modifiers.length > 0 && optionalBoolean(fields, 'DryRun') !== true) {
    throw invalid('DryRunModifiers', 'Member is for dry runs only');
  }
  return modifiers.length > 0;
}
