import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { type RunningServer, startServer } from '../harness.ts';
import { ask, b64, bao, type OpenBao, type Said, startOpenBao } from '../openbao.ts';

/** Keys that go from OpenBao to Claviger and back, each time wrapped for the server that gets them. */

const skip = bao.missing;
const message = b64('a message');
const types = ['aes128-gcm96', 'aes256-gcm96', 'chacha20-poly1305', 'ed25519', 'ecdsa-p384', 'rsa-2048', 'hmac'];

let other: OpenBao;
let server: RunningServer;
let token: string;

type Call = (method: string, path: string, body?: object) => Promise<Said>;

/** This server through Vault's door. */
const here: Call = async (method, path, body) => {
  const said = await ask({ url: server.url, token }, method, path, body);
  assert.ok(said.status < 300, `${method} ${path}: ${said.status} ${said.errors.join('; ')}`);
  return said;
};
const there: Call = (method, path, body) => other.call(method, path, body);

/** Each knows the other's wrapping key as a key of its own. */
async function acquaint(one: Call, another: Call): Promise<void> {
  const { data } = await another('GET', 'transit/wrapping_key');
  await one('POST', 'transit/keys/destination/import', { type: 'rsa-4096', public_key: data.public_key });
}

before(async () => {
  if (skip) return;
  [other, server] = await Promise.all([startOpenBao(), startServer()]);
  const env = await server.env();
  token = env.VAULT_TOKEN!;
  tls.setDefaultCACertificates([readFileSync(env.VAULT_CACERT!, 'utf8')]);
  await Promise.all([acquaint(here, there), acquaint(there, here)]);
});

after(async () => {
  await other?.stop();
  try {
    await server?.claviger('audit', 'verify');
  } finally {
    await server?.stop();
  }
});

/** A key of two versions made at `from`, brought to `to`. */
async function sent(from: Call, to: Call, name: string, type: string): Promise<void> {
  await from('POST', `transit/keys/${name}`, { type, exportable: true, ...(type === 'hmac' && { key_size: 32 }) });
  await from('POST', `transit/keys/${name}/rotate`, {});
  const { keys } = (await from('GET', `transit/byok-export/destination/${name}`)).data;
  assert.deepEqual(Object.keys(keys).sort(), ['1', '2']);
  await to('POST', `transit/keys/${name}/import`, { type, ciphertext: keys[1], exportable: true });
  await to('POST', `transit/keys/${name}/import_version`, { ciphertext: keys[2] });
}

/** What one server signs or computes with a key, the other finds right. */
async function agree(maker: Call, checker: Call, name: string, type: string): Promise<void> {
  const [path, member] = type === 'hmac' ? ['hmac', 'hmac'] : ['sign', 'signature'];
  const made = (await maker('POST', `transit/${path}/${name}`, { input: message })).data[member];
  assert.match(made, /^vault:v2:/);
  assert.equal((await checker('POST', `transit/verify/${name}`, { input: message, [member]: made })).data.valid, true);
}

const part = (type: string) =>
  type === 'hmac' ? 'hmac-key' : /gcm|poly/.test(type) ? 'encryption-key' : 'signing-key';

describe('keys between OpenBao and Claviger', { skip, timeout: 120_000 }, () => {
  for (const type of types) {
    test(`${type}: what comes from OpenBao works here with all its versions`, async () => {
      const name = `from-there-${type}`;
      await sent(there, here, name, type);
      if (part(type) !== 'encryption-key') return await agree(there, here, name, type);
      const bound = { associated_data: b64('bound') };
      for (const key_version of [1, 2]) {
        const { ciphertext } = (
          await there('POST', `transit/encrypt/${name}`, { plaintext: message, key_version, ...bound })
        ).data;
        const { plaintext } = (await here('POST', `transit/decrypt/${name}`, { ciphertext, ...bound })).data;
        assert.equal(plaintext, message);
      }
    });

    test(`${type}: what goes from here works in OpenBao`, async () => {
      const name = `from-here-${type}`;
      await sent(here, there, name, type);
      if (part(type) !== 'encryption-key') await agree(here, there, name, type);
      const path = `transit/export/${part(type)}/${name}`;
      assert.deepEqual((await there('GET', path)).data, (await here('GET', path)).data);
    });
  }
});
