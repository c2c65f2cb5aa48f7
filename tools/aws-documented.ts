import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What the documentation of AWS' own SDK says of each operation: the errors it names. Read from the SDK's types. */

const packages = { kms: 'client-kms', secretsmanager: 'client-secrets-manager', sts: 'client-sts' } as const;
export type DocumentedService = keyof typeof packages;

const folder = (service: DocumentedService) =>
  fileURLToPath(new URL(`../node_modules/@aws-sdk/${packages[service]}/dist-types/commands/`, import.meta.url));

export const sdkVersion = (service: DocumentedService): string =>
  JSON.parse(readFileSync(new URL('../../package.json', `file://${folder(service)}`), 'utf8')).version;

/** The errors that the documentation of an operation names, without the base class of the service. */
export function documentedErrors(service: DocumentedService, operation: string): readonly string[] {
  const path = `${folder(service)}${operation}Command.d.ts`;
  if (!existsSync(path)) return [];
  const named = [...readFileSync(path, 'utf8').matchAll(/@throws \{@link (\w+)\}/g)].map(([, name]) => name!);
  return [...new Set(named)].filter((name) => !name.endsWith('ServiceException')).sort();
}

/** Every operation that the SDK has. */
export const documentedOperations = (service: DocumentedService): readonly string[] =>
  readdirSync(folder(service))
    .flatMap((file) => /^(\w+)Command\.d\.ts$/.exec(file)?.[1] ?? [])
    .sort();
