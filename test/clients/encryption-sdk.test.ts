import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { kmsClient } from '../conformance/aws-kms/clients.ts';
import { type Env, type RunningServer, startServer } from '../harness.ts';
import { program, run } from '../programs.ts';

/** What the AWS Encryption SDK of one language encrypts, that of the other decrypts, in each manner of keeping data keys. */

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const python = program(
  'claviger-python',
  [
    '-c',
    'import aws_cryptographic_material_providers, importlib.metadata as m; print("sdk", m.version("aws-encryption-sdk"))',
  ],
  /^sdk (\S+)/m,
);
const languages = {
  JavaScript: [process.execPath, file('encryption_sdk.mjs')],
  Python: [python.path, file('encryption_sdk.py')],
} as const;
type Language = keyof typeof languages;

const folder = mkdtempSync(join(tmpdir(), 'claviger-sdk-'));
const at = (name: string) => join(folder, name);
const plain = randomBytes(100_003);
let server: RunningServer;
let env: Env;
let arns: string[];

before(async () => {
  server = await startServer();
  env = await server.env();
  const kms = kmsClient(env);
  arns = [];
  for (let i = 0; i < 2; i++) arns.push((await kms.createKey({})).KeyMetadata!.Arn!);
  kms.destroy();
  writeFileSync(at('plain'), plain);
});

after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

for (const manner of ['keyring', 'multi', 'caching'] as const) {
  for (const from of Object.keys(languages) as Language[]) {
    for (const to of Object.keys(languages) as Language[]) {
      // The Python SDK takes seconds to start: with itself it is tried in one manner.
      if (from === 'Python' && to === 'Python' && manner !== 'keyring') continue;
      const skip = (from === 'Python' || to === 'Python') && python.missing;
      test(`${manner}: what ${from} encrypts, ${to} decrypts`, { skip }, async () => {
        const [program, script] = languages[from];
        await run(program, [script, 'encrypt', manner, arns.join(), at('plain'), at('sealed')], env);
        assert.ok(!readFileSync(at('sealed')).includes(plain.subarray(0, 64)));
        const [opener, opening] = languages[to];
        for (const arn of to === 'Python' ? arns.slice(1) : arns) {
          await run(opener, [opening, 'decrypt', manner, arn, at('sealed'), at('opened')], env);
          assert.deepEqual(readFileSync(at('opened')), plain);
        }
      });
    }
  }
}
