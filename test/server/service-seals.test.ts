/** The life of a server under a key that a service lends, with each service that is there. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Ended, run, type Started, start } from '../process.ts';
import { awsKmsAbsent, startAwsKms } from '../seals/aws-kms.ts';
import { azureKeyVaultAbsent, startAzureKeyVault } from '../seals/azure-key-vault.ts';
import type { SealBackend } from '../seals/seal-backend.ts';
import { startVaultTransit, vaultTransitAbsent } from '../seals/vault-transit.ts';

const services = [
  { name: 'aws-kms', absent: awsKmsAbsent, begin: startAwsKms },
  { name: 'azure-key-vault', absent: azureKeyVaultAbsent, begin: startAzureKeyVault },
  { name: 'vault-transit', absent: vaultTransitAbsent, begin: startVaultTransit },
];

for (const { name, absent, begin } of services) {
  test(`a server under a key of ${name}`, { skip: absent ?? false, timeout: 120_000 }, async (t) => {
    const backend: SealBackend = await begin();
    const home = mkdtempSync(join(tmpdir(), `claviger-${name}-`));
    const data = join(home, 'data');
    const passphraseFile = join(home, 'passphrase');
    writeFileSync(passphraseFile, 'correct horse battery staple\n', { mode: 0o600 });
    const set = (settings: Readonly<Record<string, string>>) =>
      Object.entries(settings).flatMap(([member, value]) => ['--set', `${member}=${value}`]);
    const serving = ['server', '--data', data, '--listen', '127.0.0.1:0'];
    const passphrase = ['--passphrase-file', passphraseFile];
    let server: Started | undefined;
    let officer = '';
    const serve = async (env = backend.env, ...more: string[]) => {
      server = await start([...serving, ...more], { env: { ...env } });
      return server;
    };
    const as = (...args: string[]) => run([...args, '--data', data], { env: { CLAVIGER_TOKEN: officer } });
    const works = async () => {
      const { code, output } = await as('identity', 'list');
      assert.equal(code, 0, output);
    };
    const refused = ({ code, output }: Ended, words: RegExp) => {
      assert.notEqual(code, 0, output);
      assert.match(output, words);
      assert.doesNotMatch(output, /^\s+at /m, 'a sentence, no stack');
    };
    const becomesUnsealed = async () => {
      for (const end = performance.now() + 30_000; performance.now() < end; await sleep(200))
        if ((await as('status')).code === 0) return;
      assert.fail(server!.output());
    };
    try {
      await t.test('is made, and holds no credential', async () => {
        const made = await run(['init', '--data', data, '--seal', name, ...set(backend.settings)], {
          env: { ...backend.env },
        });
        assert.equal(made.code, 0, made.output);
        officer = /CLAVIGER_TOKEN=(\S+)/.exec(made.output)![1]!;
        const file = readFileSync(join(data, 'seal.json'), 'utf8');
        for (const secret of Object.values(backend.env).filter((value) => value.length > 15))
          assert.ok(!file.includes(secret));
      });

      await t.test('opens by itself at each start', async () => {
        for (let i = 0; i < 2; i++) {
          await serve();
          assert.doesNotMatch(server!.output(), /SEALED/);
          await works();
          assert.equal((await server!.stop()).code, 0);
        }
      });

      await t.test('starts sealed with a wrong credential, and says that it is one', async () => {
        await serve(backend.wrongEnv);
        assert.match(server!.output(), /SEALED|trying again/);
        assert.match(server!.output(), new RegExp(`"${name}".*(?:credential|token)`));
        refused(await as('identity', 'list'), /sealed/);
        await server!.stop();
      });

      for (const [how, outage] of [
        ['nobody answers', backend.breakOff],
        ['everything hangs', backend.hold],
      ] as const)
        await t.test(`starts sealed where ${how}, says which seal waits, and opens once that is over`, async () => {
          outage();
          try {
            await serve();
            assert.match(
              server!.output(),
              new RegExp(`trying again in 1 s: .*"${name}" \\(${name}\\).*(?:reach|no answer)`),
            );
            refused(await as('identity', 'list'), /sealed/);
          } finally {
            backend.mend();
          }
          await becomesUnsealed();
          await works();
          if (outage !== backend.hold) await server!.stop();
        });

      await t.test('goes on serving while the service is away, and changes its seals once it is back', async () => {
        const add = ['seal', 'add', 'words', '--kind', 'passphrase', '--new-passphrase-file', passphraseFile];
        backend.breakOff();
        try {
          await works();
          refused(await as(...add), new RegExp(`"${name}".*reach`));
        } finally {
          backend.mend();
        }
        const added = await as(...add);
        assert.equal(added.code, 0, added.output);
      });

      await t.test('moves to a passphrase and back, serving all the time', async () => {
        assert.equal((await as('seal', 'remove', name)).code, 0);
        await server!.stop();
        await serve(backend.env, ...passphrase);
        await works();
        const back = await as('seal', 'add', 'again', '--kind', name, ...set(backend.settings), ...passphrase);
        assert.equal(back.code, 0, back.output);
        assert.equal((await as('seal', 'remove', 'words')).code, 0);
        await server!.stop();
        await serve();
        await works();
      });

      await t.test('rotates to another key, and back to what its settings stand for', async () => {
        for (const settings of [set(backend.otherSettings), []]) {
          const rotated = await as('seal', 'rotate', 'again', ...settings);
          assert.equal(rotated.code, 0, rotated.output);
          await server!.stop();
          await serve();
          await works();
        }
        const { seals } = JSON.parse((await as('seal', 'status', '--json')).stdout) as {
          seals: ReadonlyArray<{ settings: Record<string, string> }>;
        };
        assert.equal(seals[0]!.settings.key, backend.otherSettings.key);
      });

      await t.test('takes no key that is not there', async () => {
        const settings = set({ ...backend.settings, key: backend.settings.key!.replace('seal', 'nobody') });
        refused(await as('seal', 'add', 'more', '--kind', name, ...settings), /not there|no such key|403/);
      });
    } finally {
      await server?.stop();
      await backend.stop();
      rmSync(home, { recursive: true, force: true });
    }
  });
}
