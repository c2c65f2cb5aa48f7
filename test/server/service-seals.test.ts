/** What is particular to a server under a key that a service lends; what every kind of seal lives through is in seal-table.test.ts. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
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
    const set = (settings: Readonly<Record<string, string>>) =>
      Object.entries(settings).flatMap(([member, value]) => ['--set', `${member}=${value}`]);
    const serving = ['server', '--data', data, '--listen', '127.0.0.1:0'];
    let server: Started | undefined;
    let officer = '';
    const serve = async () => {
      server = await start(serving, { env: { ...backend.env } });
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
      await t.test(
        'starts sealed where everything hangs, says which seal waits, and opens once that is over',
        async () => {
          const made = await run(['init', '--data', data, '--seal', name, ...set(backend.settings)], {
            env: { ...backend.env },
          });
          assert.equal(made.code, 0, made.output);
          officer = /CLAVIGER_TOKEN=(\S+)/.exec(made.output)![1]!;
          backend.hold();
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
        },
      );

      await t.test('rotates to another key, and back to what its settings stand for', async () => {
        for (const settings of [set(backend.otherSettings), []]) {
          const rotated = await as('seal', 'rotate', name, ...settings);
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
