import { readFileSync } from 'node:fs';
import { CliError, type OptionSpec, pairs } from '../command.ts';

/** Who keeps a share, as the settings of a seal name him. */
export interface NamedCustodian {
  readonly name: string;
  readonly recipient?: string;
  readonly key?: string;
}

/** Of each command that makes shares. */
export const custodianOptions = {
  custodian: {
    type: 'string',
    multiple: true,
    value: 'NAME[=KEY]',
    help: 'who keeps a share, in turn; it is encrypted to KEY: age1..., or a file with a PGP, age or ML-KEM public key',
  },
  'custodian-key': {
    type: 'string',
    multiple: true,
    value: 'NAME=FILE',
    help: 'the public key (PEM, Ed25519 or ECDSA) that this custodian signs the acknowledgement with',
  },
} as const satisfies Record<string, OptionSpec>;

/** Undefined where none is named. Throws UsageError or CliError. */
export function readCustodians(
  named: readonly string[],
  keys: readonly string[],
): readonly NamedCustodian[] | undefined {
  const signing = new Map(pairs(keys));
  const custodians = named.map((text): NamedCustodian => {
    const at = text.indexOf('=');
    const name = at === -1 ? text : text.slice(0, at);
    const given = at === -1 ? undefined : text.slice(at + 1);
    const key = signing.get(name);
    signing.delete(name);
    return {
      name,
      ...(given !== undefined && { recipient: given.startsWith('age1') ? given : recipientIn(given) }),
      ...(key !== undefined && { key: textOf(key) }),
    };
  });
  const [nobody] = signing.keys();
  if (nobody !== undefined) throw new CliError(`There is a key for ${nobody}, but no --custodian of that name.`);
  return custodians.length === 0 ? undefined : custodians;
}

/** A file of age recipients has notes before the one that counts. */
function recipientIn(path: string): string {
  const text = textOf(path);
  if (text.includes('PRIVATE KEY') || text.includes('AGE-SECRET-KEY')) {
    throw new CliError(
      `${path} holds a private key: give the public one, and keep the private one with its custodian.`,
    );
  }
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .trim();
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CliError(`The key can't be read: ${(error as Error).message}.`);
  }
}
