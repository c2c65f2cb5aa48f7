import type { Action, Result } from '#domain/domain.ts';
import { decodeLookupSelf } from './decode-token.ts';
import { decodeListTokens } from './decode-token-role.ts';
import { encodeNothing } from './encode-keys.ts';
import { PlacedError } from './errors.ts';
import { pageSize } from './login-fields.ts';
import { type Input, type Method, type Row, rowAt } from './row.ts';

function at<A extends Action>(path: string, given: Omit<Row<A>, 'operation' | 'paths' | 'maxBody'>): Row {
  return rowAt(`${path.replace(/\/\*$/, '').replace('/:', '/')}:${given.method.toLowerCase()}`, path, given);
}

/** The same for whoever holds a token: looking it up is what proves that. */
function fixed(path: string, answer: object): Row {
  const encode = () => JSON.stringify(answer);
  return at(path, { method: 'GET', action: 'lookup-token', decode: decodeLookupSelf, encode, as: 'both' });
}

function encodeSinks({ sinks }: Result<'list-audit-sinks'>): string {
  const shown = sinks.map(({ name, kind, description }) => [
    `${name}/`,
    { description, local: false, options: {}, path: `${name}/`, type: kind },
  ]);
  return JSON.stringify(Object.fromEntries(shown));
}

/** Vault's members, as far as they are known. */
function encodeHost({ host }: Result<'read-host'>, { clock }: Input): string {
  const { total, free } = host.memory;
  return JSON.stringify({
    cpu: host.processors.map(({ model, mhz }, cpu) => ({ cpu, cores: 1, mhz, modelName: model })),
    cpu_times: null,
    disk: null,
    host: {
      hostname: host.hostname,
      kernelArch: host.architecture,
      kernelVersion: host.kernel,
      os: host.platform,
      platform: host.platform,
      uptime: host.uptime,
    },
    load: { load1: host.load[0], load5: host.load[1], load15: host.load[2] },
    memory: { available: free, free, total, used: total - free, usedPercent: ((total - free) / total) * 100 },
    timestamp: new Date(clock()).toISOString(),
  });
}

/** 32 days, which a token lives if nobody says. */
const defaultTtl = 32 * 24 * 3600;

const reads: readonly Row[] = [
  at('sys/audit', {
    method: 'GET',
    action: 'list-audit-sinks',
    decode: () => ({ kind: 'list-audit-sinks' }),
    encode: encodeSinks,
    as: 'both',
  }),
  at('sys/host-info', {
    method: 'GET',
    action: 'read-host',
    decode: () => ({ kind: 'read-host' }),
    encode: encodeHost,
  }),
  at('sys/config/state/sanitized', {
    method: 'GET',
    action: 'read-host',
    decode: () => ({ kind: 'read-host' }),
    encode: () =>
      JSON.stringify({
        cluster_name: 'claviger',
        default_lease_ttl: defaultTtl,
        disable_clustering: true,
        enable_ui: false,
        seals: [{ disabled: false, type: 'passphrase' }],
        storage: { disable_clustering: true, type: 'claviger' },
      }),
  }),
  at<'list-tokens'>('sys/internal/counters/tokens', {
    method: 'GET',
    action: 'list-tokens',
    decode: decodeListTokens,
    more: ({ next }) => (next === undefined ? undefined : { kind: 'list-tokens', after: next, limit: pageSize }),
    encode: (_, __, pages) => {
      const total = pages.reduce((sum, { tokens }) => sum + tokens.length, 0);
      return JSON.stringify({ counters: { service_tokens: { total } } });
    },
  }),
  fixed('sys/config/cors', { enabled: false }),
  fixed('sys/config/auditing/request-headers', { headers: {} }),
  at('sys/config/ui/headers', {
    method: 'LIST',
    action: 'lookup-token',
    decode: decodeLookupSelf,
    encode: encodeNothing,
  }),
];

/** What Vault does and this door doesn't: said so, instead of 'no such path'. */
function absent(method: Method, path: string, why: string): Row {
  return at(path, {
    method,
    action: 'lookup-token',
    decode: () => {
      throw new PlacedError(400, 'unsupported', why);
    },
    encode: encodeNothing,
  });
}

const noSinks =
  'What is audited, and where to, can not be changed through this API: the ledger takes every answer, always.';
const noSettings =
  'This can not be set: browsers of other origins, own headers and headers in the audit are not served.';
const noBarrier =
  'There is no barrier key: each key rotates by itself (transit/keys/NAME/rotate), and the passphrase of the seal by sys/rekey.';
const noBackup = 'no backed-up keys found';
const noRecovery = 'recovery rekeying not supported';

const absences: readonly Row[] = [
  absent('POST', 'sys/audit/*', noSinks),
  absent('DELETE', 'sys/audit/*', noSinks),
  absent('POST', 'sys/audit-hash/*', 'The ledger holds no secrets, not as hashes either.'),
  absent('POST', 'sys/config/cors', noSettings),
  absent('DELETE', 'sys/config/cors', noSettings),
  absent('POST', 'sys/config/ui/headers/:name', noSettings),
  absent('POST', 'sys/config/auditing/request-headers/:name', noSettings),
  absent('GET', 'sys/config/auditing/request-headers/:name', 'Could not find header in config'),
  absent('GET', 'sys/key-status', noBarrier),
  absent('POST', 'sys/rotate', noBarrier),
  absent('POST', 'sys/rotate/keyring', noBarrier),
  absent('GET', 'sys/rotate/config', noBarrier),
  absent('POST', 'sys/rotate/config', noBarrier),
  absent('GET', 'sys/rekey/backup', noBackup),
  absent('DELETE', 'sys/rekey/backup', noBackup),
  absent('GET', 'sys/rekey/recovery-key-backup', noBackup),
  absent('GET', 'sys/rekey-recovery-key/init', noRecovery),
  absent('POST', 'sys/rekey-recovery-key/init', noRecovery),
  absent('POST', 'sys/step-down', 'There is one server: nobody could take over from it.'),
];

/** What the server says of itself, and what it doesn't do. */
export const serverOperations: readonly Row[] = [...reads, ...absences];
