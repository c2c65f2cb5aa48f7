import type { OptionSpec } from './command.ts';

/** What the commands take that hold a server themselves: `main.ts` runs them, the help tells them. */

const region = {
  region: {
    type: 'string',
    default: 'us-east-1',
    value: 'NAME',
    help: 'what AWS clients call the place (default: us-east-1)',
  },
} as const;

const rates = {
  'max-rate': { type: 'string', value: 'N', help: 'requests a second of one identity, or "none"' },
  'max-realm-rate': { type: 'string', value: 'N', help: 'requests a second of one realm (default: none)' },
} as const;

const secrets = {
  'passphrase-fd': { type: 'string', value: 'N', help: 'read the passphrase of the seal from this file descriptor' },
  'passphrase-file': {
    type: 'string',
    value: 'FILE',
    help: 'read it from a file; systemd: credential claviger-passphrase',
  },
  'pin-fd': { type: 'string', value: 'N', help: 'read the PIN of the HSM from this file descriptor' },
  'pin-file': { type: 'string', value: 'FILE', help: 'read it from a file; systemd: credential claviger-pin' },
} as const;

const data = {
  data: { type: 'string', value: 'DIR', help: 'the data folder (default: CLAVIGER_DATA, else .claviger)' },
} as const;

const production = {
  ...data,
  anchor: {
    type: 'string',
    value: 'FILE',
    help: 'keep the anchor there, best on another disk, rather than in the data folder',
  },
  'shelf-mirror': {
    type: 'string',
    multiple: true,
    value: 'DIR',
    help: 'keep another copy of the shelf there, without which no key opens; may be repeated',
  },
  ...region,
  ...secrets,
  fips: { type: 'boolean', default: false, help: "compute by OpenSSL's FIPS module, or do not start" },
  'fips-certificate': {
    type: 'string',
    value: 'TEXT',
    help: 'the certificate of that module, to be shown in the status',
  },
} as const;

const firstSeal = {
  seal: {
    type: 'string',
    value: 'KIND',
    help: 'passphrase (default), shamir, pkcs11, aws-kms, azure-key-vault, vault-transit (docs/seals.md)',
  },
  'seal-name': { type: 'string', value: 'NAME', help: 'what the seal is called (default: its kind)' },
  set: {
    type: 'string',
    multiple: true,
    value: 'NAME=VALUE',
    help: 'a setting of the seal, as docs/seals.md lists them',
  },
  shares: { type: 'string', value: 'N', help: 'a seal of so many shares' },
  threshold: { type: 'string', value: 'M', help: 'of which so many open it' },
  custodian: {
    type: 'string',
    multiple: true,
    value: 'NAME[=RECIPIENT]',
    help: 'who gets a share, encrypted to an age, OpenPGP or ML-KEM key',
  },
  'custodian-key': {
    type: 'string',
    multiple: true,
    value: 'NAME=FILE',
    help: "the public key that the custodian's acknowledgement is signed with",
  },
  out: { type: 'string', value: 'DIR', help: 'write each share to a sheet of its own there, instead of showing it' },
} as const;

const restoring = {
  ...data,
  ...region,
  seal: { type: 'string', value: 'NAME', help: 'open the backup by this seal' },
  ...secrets,
  'share-file': {
    type: 'string',
    multiple: true,
    value: 'FILE',
    help: 'a share of the seal, its letters or a sheet; once for each',
  },
  shelf: { type: 'string', value: 'FILE', help: 'the living shelf (default: the one beside the backup)' },
  auto: { type: 'boolean', default: false, help: 'open it by a seal that asks nobody' },
} as const;

export const startOptions = {
  dev: {
    ...data,
    listen: {
      type: 'string',
      value: 'HOST:PORT',
      help: 'where to listen (default: 127.0.0.1:8200, or the next free port)',
    },
    ...region,
    'cached-keys': { type: 'string', value: 'N', help: 'how many keys stay opened in memory' },
    ...rates,
    'allow-remote': {
      type: 'boolean',
      default: false,
      help: 'listen on other than this machine, though nothing is guarded',
    },
    'bench-no-tls': { type: 'boolean', default: false, help: 'plain HTTP, for measurements' },
    'bench-no-flush': { type: 'boolean', default: false, help: 'answers do not wait for the disk, for measurements' },
  },
  init: { ...production, ...firstSeal },
  server: {
    ...production,
    listen: {
      type: 'string',
      value: 'HOST:PORT',
      help: 'where to listen (default: CLAVIGER_LISTEN, else 127.0.0.1:8200)',
    },
    ...rates,
    'tls-cert': {
      type: 'string',
      value: 'FILE',
      help: 'certificate, with those it hangs from (default: of a local authority)',
    },
    'tls-key': { type: 'string', value: 'FILE', help: 'its key' },
    'tls-ca': { type: 'string', value: 'FILE', help: 'what commands on this machine believe the certificate by' },
  },
  restore: {
    ...restoring,
    checkpoint: {
      type: 'string',
      value: 'FILE',
      help: 'refuse a backup that is older than this checkpoint of the ledger',
    },
    'accept-loss': {
      type: 'string',
      value: 'TEXT',
      help: 'take an older one all the same: the phrase that the refusal names',
    },
  },
  drill: {
    ...restoring,
    from: { type: 'string', value: 'PATH', help: 'a backup, or a folder of which the last one is taken' },
    report: { type: 'string', value: 'FILE', help: 'write the signed report there' },
  },
} as const satisfies Record<string, Record<string, OptionSpec & { readonly default?: string | boolean }>>;
