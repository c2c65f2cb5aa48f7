/** Each kind of seal as the table of seals lives with it: with the real thing that holds its key, and its commands. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SoftHsm, softHsmAbsent, softHsmModule, userPin } from '../../src/hsm/testing/softhsm.ts';
import { awsKmsAbsent, startAwsKms } from './aws-kms.ts';
import { azureKeyVaultAbsent, startAzureKeyVault } from './azure-key-vault.ts';
import type { SealBackend } from './seal-backend.ts';
import { startVaultTransit, vaultTransitAbsent } from './vault-transit.ts';

export type Args = readonly string[];
type Env = Readonly<Record<string, string>>;

export interface TableSeal {
  readonly kind: string;
  readonly absent: string | undefined;
  /** Why the cells of outages have no meaning; absent: they have one. */
  readonly noOutage?: string;
  /** `folder`: for its files. */
  begin(folder: string): LivingSeal | Promise<LivingSeal>;
}

export interface LivingSeal {
  /** In which its servers and whoever makes it find what they need. */
  readonly env: Env;
  /** What no file of a server may hold. */
  readonly secrets: Args;
  /** Options that name a new one, of `claviger init`. */
  init(): Args;
  /** The same of `claviger seal add`. */
  add(): Args;
  /** The same of `claviger seal rotate`. */
  rotate(): Args;
  /** Options of `claviger server` by which it opens without anybody; undefined: it never does. */
  start(): Args | undefined;
  /** Options of `claviger unseal`, of each who has to bring something. Empty: nothing is asked for. */
  bring(): readonly Args[];
  readonly wrong: Wrong;
  /** Options that bring what opened it before it was rotated, and must be refused now; undefined: nobody brings that. */
  former(): Args | undefined;
  readonly outage?: { begin(): void; end(): void };
  /** What it opens by is gone for good, from where it was at last; nothing to be done where people have it. */
  lose(): Promise<unknown>;
  stop(): Promise<void> | void;
}

/** By what somebody brings, or by what the server finds. */
export type Wrong =
  | { readonly by: 'somebody'; bring(): Args; readonly start?: Args; readonly words: RegExp }
  | { readonly by: 'environment'; readonly env: Env; readonly words: RegExp };

function secretFile(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, `${text}\n`, { mode: 0o600 });
  return path;
}

const comesWithPeople = 'it comes with whoever unseals, and nothing else is asked for it';

export const passphraseSeal: TableSeal = {
  kind: 'passphrase',
  absent: undefined,
  noOutage: comesWithPeople,
  begin(folder) {
    const words = ['correct horse battery staple', 'another horse without battery'];
    const files = words.map((text, i) => secretFile(folder, `passphrase-${i}`, text));
    const wrong = secretFile(folder, 'wrong-passphrase', 'incorrect horse battery staple');
    let current = 0;
    return {
      env: {},
      secrets: words,
      init: () => ['--passphrase-file', files[current]!],
      add: () => ['--new-passphrase-file', files[current]!],
      rotate: () => ['--new-passphrase-file', files[++current]!],
      start: () => ['--passphrase-file', files[current]!],
      bring: () => [['--passphrase-file', files[current]!]],
      wrong: {
        by: 'somebody',
        bring: () => ['--passphrase-file', wrong],
        start: ['--passphrase-file', wrong],
        words: /passphrase does not open/,
      },
      former: () => ['--passphrase-file', files[current - 1]!],
      async lose() {},
      stop() {},
    };
  },
};

export const shamirSeal: TableSeal = {
  kind: 'shamir',
  absent: undefined,
  noOutage: comesWithPeople,
  begin(folder) {
    let sets = 0;
    const place = (set = sets) => join(folder, `shares-${set}`);
    const share = (number: number, set = sets) =>
      join(place(set), readdirSync(place(set)).find((name) => name.startsWith(`share-${number}-of-3-`))!);
    const next = () => {
      sets++;
      mkdirSync(place(), { mode: 0o700, recursive: true });
      return ['--shares', '3', '--threshold', '2', '--out', place()];
    };
    const letters = (path: string) => /<pre id="share">([^<]+)</.exec(readFileSync(path, 'utf8'))![1]!;
    const mistyped = () => {
      const text = letters(share(1)).replace(/\s/g, '');
      const at = text.length - 12;
      return secretFile(folder, 'mistyped', text.slice(0, at) + (text[at] === 'Q' ? 'P' : 'Q') + text.slice(at + 1));
    };
    return {
      env: {},
      secrets: [],
      init: next,
      add: next,
      rotate: next,
      start: () => undefined,
      bring: () => [1, 3].map((number) => ['--share-file', share(number)]),
      wrong: { by: 'somebody', bring: () => ['--share-file', mistyped()], words: /mistyped/ },
      former: () => ['--share-file', share(2, sets - 1)],
      async lose() {},
      stop() {},
    };
  },
};

export const pkcs11Seal: TableSeal = {
  kind: 'pkcs11',
  absent: softHsmAbsent,
  begin(folder) {
    const soft = new SoftHsm();
    soft.addToken('table');
    const right = ['--pin-file', secretFile(folder, 'pin', userPin)];
    const wrong = ['--pin-file', secretFile(folder, 'wrong-pin', '00000')];
    let keys = 0;
    const settings = () => [
      ...['--set', `module=${softHsmModule}`, '--set', 'tokenLabel=table'],
      ...['--set', `newKey=root-${++keys}`],
    ];
    const withPin = () => [...settings(), '--new-pin-file', right[1]!];
    return {
      env: soft.env,
      secrets: [userPin],
      init: () => [...settings(), ...right],
      add: withPin,
      rotate: withPin,
      start: () => right,
      bring: () => [right],
      wrong: { by: 'somebody', bring: () => wrong, start: wrong, words: /PIN/ },
      former() {
        soft.pkcs11Tool(['--delete-object', '--type', 'secrkey', '--label', `root-${keys - 1}`]);
        return undefined;
      },
      outage: { begin: () => soft.leave(), end: () => soft.comeBack() },
      lose: async () => soft.reinitialise('table'),
      stop: () => soft[Symbol.dispose](),
    };
  },
};

const service = <B extends SealBackend>(
  kind: string,
  absent: string | undefined,
  begin: () => Promise<B>,
  lose: (backend: B) => Promise<unknown>,
): TableSeal => ({
  kind,
  absent,
  async begin() {
    const backend = await begin();
    const set = (settings: Env) => Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
    return {
      env: backend.env,
      secrets: Object.values(backend.env).filter((value) => value.length > 15),
      init: () => set(backend.settings),
      add: () => set(backend.settings),
      rotate: () => set(backend.otherSettings),
      start: () => [],
      bring: () => [],
      wrong: { by: 'environment', env: backend.wrongEnv, words: new RegExp(`"${kind}".*(?:credential|token)`) },
      former: () => undefined,
      outage: { begin: backend.breakOff, end: backend.mend },
      lose: () => lose(backend),
      stop: backend.stop,
    };
  },
});

/** Each has a key `other`, which is in use in the end. */
export const tableSeals: readonly TableSeal[] = [
  passphraseSeal,
  shamirSeal,
  pkcs11Seal,
  service('aws-kms', awsKmsAbsent, startAwsKms, ({ settings }) =>
    fetch(`${settings.endpoint}/moto-api/reset`, { method: 'POST' }),
  ),
  service('azure-key-vault', azureKeyVaultAbsent, startAzureKeyVault, async ({ keys }) =>
    (await keys.beginDeleteKey('other')).pollUntilDone(),
  ),
  service('vault-transit', vaultTransitAbsent, startVaultTransit, async ({ server }) => {
    await server.call('POST', 'transit/keys/other/config', { deletion_allowed: true });
    await server.call('DELETE', 'transit/keys/other');
  }),
];
