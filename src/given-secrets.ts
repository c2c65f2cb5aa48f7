import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { KmsError } from '#domain/domain.ts';
import { readSecret } from './secret-file.ts';

/** Where `init` and `server` are told to find what a seal takes. */
export type SecretValues = {
  readonly [option in `${'passphrase' | 'pin'}-${'fd' | 'file'}`]?: string | undefined;
};

/**
 * By file descriptor, file, or systemd credential (`claviger-passphrase`, `claviger-pin`); never an argument, which other users of the
 * machine can read. Undefined: none was given. The caller's to wipe.
 */
export function givenSecret(
  values: SecretValues,
  what: 'passphrase' | 'pin',
  credentialsDirectory?: string,
): Uint8Array | undefined {
  const [fd, file] = [values[`${what}-fd`], values[`${what}-file`]];
  if (fd !== undefined && file !== undefined)
    throw new KmsError('invalid-parameter', `Give --${what}-fd or --${what}-file, not both.`);
  if (fd !== undefined) {
    if (!/^\d{1,4}$/.test(fd))
      throw new KmsError('invalid-parameter', `--${what}-fd takes the number of an open file descriptor.`);
    return readSecret(Number(fd));
  }
  if (file !== undefined) return readSecret(file);
  const credential = credentialsDirectory && join(credentialsDirectory, `claviger-${what}`);
  return credential && existsSync(credential) ? readSecret(credential) : undefined;
}
