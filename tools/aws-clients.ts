import { readFileSync } from 'node:fs';
import type { ClientKind, Service } from '../test/conformance/clients/clients.ts';
import { doors } from '../test/conformance/clients/doors.ts';
import { ofTheServer } from '../test/conformance/clients/errors-kms.ts';
import { documentedErrors, documentedOperations } from './aws-documented.ts';

/**
 * The page that says which operation which official client calls, and which errors of AWS' documentation are provoked: from the
 * doors' tables, the SDK's own documentation and the requests that test/conformance/clients performs. `node tools/protocol-docs.ts`
 * writes it.
 */

/** What was there when the clients were tried last: `node tools/aws-clients-tried.ts` writes it down. */
export interface Tried {
  readonly versions: Readonly<Record<ClientKind['name'], string>>;
  /** `service operation` that a client is too old for, by client. */
  readonly unknown: Readonly<Record<ClientKind['name'], readonly string[]>>;
  /** Other programs, and what came of them. */
  readonly programs: ReadonlyArray<{ readonly name: string; readonly version: string; readonly result: string }>;
}

export const triedPath = new URL('../test/conformance/clients/tried.json', import.meta.url);
export const tried = (): Tried => JSON.parse(readFileSync(triedPath, 'utf8'));

const titles: Readonly<Record<Service, string>> = { kms: 'AWS KMS', secretsmanager: 'Secrets Manager', sts: 'STS' };

export interface ErrorStanding {
  readonly provoked: readonly string[];
  /** By reason. */
  readonly never: ReadonlyArray<readonly [error: string, why: string]>;
  /** Documented, and neither provoked nor explained. */
  readonly forgotten: readonly string[];
}

export function standing(service: Service, operation: string): ErrorStanding {
  const { provocation, whyNever } = doors[service];
  const provoked: string[] = [];
  const never: Array<readonly [string, string]> = [];
  const forgotten: string[] = [];
  for (const error of documentedErrors(service, operation)) {
    const why = whyNever(operation, error);
    if (why !== undefined) never.push([error, why]);
    else if ((service === 'kms' && error in ofTheServer) || provocation(operation, error)) provoked.push(error);
    else forgotten.push(error);
  }
  return { provoked, never, forgotten };
}

const short = (error: string) => error.replace(/Exception$/, '');

function serviceTable(service: Service, { versions, unknown }: Tried): readonly string[] {
  const names = Object.keys(versions);
  return [
    `| operation | ${names.join(' | ')} | errors provoked |`,
    `| --- | ${names.map(() => '---').join(' | ')} | --- |`,
    ...[...doors[service].operations].sort().map((operation) => {
      const answer = doors[service].requests[operation]?.answer;
      const cells = names.map((name) => {
        if (unknown[name]?.includes(`${service} ${operation}`)) return 'not in it';
        return answer === undefined ? 'yes' : short(answer);
      });
      return `| ${operation} | ${cells.join(' | ')} | ${standing(service, operation).provoked.map(short).join(', ')} |`;
    }),
  ];
}

/** Each reason once, with whom it concerns. */
function reasons(service: Service): readonly string[] {
  const byReason = new Map<string, Map<string, string[]>>();
  for (const operation of [...doors[service].operations].sort()) {
    for (const [error, why] of standing(service, operation).never) {
      const errors = byReason.get(why) ?? new Map<string, string[]>();
      errors.set(error, [...(errors.get(error) ?? []), operation]);
      byReason.set(why, errors);
    }
  }
  return [...byReason]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([why, errors]) => {
      const named = [...errors.keys()].map((error) => `\`${short(error)}\``);
      const operations = new Set([...errors.values()].flat());
      const where = operations.size > 6 ? `${operations.size} operations` : [...operations].join(', ');
      return `- ${named.join(', ')} (${where}): ${why}.`;
    });
}

export function awsClientsPage(): string {
  const told = tried();
  const { versions, programs } = told;
  const parts = (Object.keys(doors) as Service[]).flatMap((service) => {
    const offered = new Set(doors[service].operations);
    const absent = documentedOperations(service).filter((operation) => !offered.has(operation));
    return [
      `## ${titles[service]} (${offered.size} of ${offered.size + absent.length})`,
      serviceTable(service, told).join('\n'),
      ...(absent.length > 0 ? [`Not offered: ${absent.join(', ')}.`] : []),
      ['Documented errors that are never answered, or not by a request alone:', '', ...reasons(service)].join('\n'),
    ];
  });
  return `${[
    '# AWS clients',
    '<!-- Written by tools/protocol-docs.ts from the doors, the SDK’s documentation and test/conformance/clients. -->',
    'Every operation of the AWS doors, called by every official client with nothing but what `claviger env` says, over TLS; and ' +
      'every error that the documentation of the operation names, provoked with each of them. `npm test` does all of it again ' +
      '(`test/conformance/clients`); a client that is not there is skipped, and says so. A cell that names an error tells the one ' +
      'answer that the operation has here. Names of errors are without their `Exception`.',
    '## With which versions',
    [
      '| client | version | result |',
      '| --- | --- | --- |',
      ...Object.entries(versions).map(([name, version]) => `| ${name} | ${version} | as the tables below say |`),
      ...programs.map(({ name, version, result }) => `| ${name} | ${version} | ${result} |`),
    ].join('\n'),
    ...parts,
  ].join('\n\n')}\n`;
}
