import { readEnvironment } from '#config/config.ts';
import { activeFips, enterFips } from '#crypto/fips.ts';
import { KmsError } from '#domain/domain.ts';

/** For `--fips`: before any other file of `crypto/` is loaded. Throws 'unavailable', which says what is missing. */
export async function enterFipsIfAsked(args: readonly string[]): Promise<void> {
  if (args.includes('--fips')) await enterFips(readEnvironment().opensslConfig);
}

/**
 * The module that was entered, for whoever asks for the server's status. The certificate is what the operator says of this very
 * build, which no program can tell of itself. Throws 'invalid-parameter'.
 */
export function fipsModule(stated: string | undefined): string | undefined {
  const module = activeFips();
  if (module === undefined) {
    if (stated === undefined) return undefined;
    throw new KmsError('invalid-parameter', '--fips-certificate belongs to --fips.');
  }
  if (stated !== undefined && !/^[\x20-\x7e]{1,100}$/.test(stated))
    throw new KmsError('invalid-parameter', '--fips-certificate takes a number such as #4985, or a few words.');
  const certificate = stated === undefined ? 'no certificate stated' : `certificate ${stated} as stated`;
  return `${module.name} ${module.version}, ${certificate}`;
}

/** What a start says of it. */
export function fipsNotice(module: string | undefined): readonly string[] {
  if (module === undefined) return [];
  return [
    `FIPS module: ${module}`,
    `Refused with it: ${activeFips()?.refused.join('; ')}.`,
    'Whether that module, on this platform and for this use, is what a certificate covers, is for you to show.',
  ];
}
