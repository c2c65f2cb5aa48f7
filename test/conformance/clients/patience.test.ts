import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Client, clientKinds } from './clients.ts';
import { type Place, startPlace } from './place.ts';

/** What the clients do by themselves while a server can't answer: they ask again, and once it can, nobody notices. */

let place: Place;
before(async () => {
  place = await startPlace();
});
after(() => place?.server.stop());

for (const kind of clientKinds) {
  test(`${kind.name} waits for a sealed server to be unsealed`, { skip: kind.missing }, async () => {
    const { server } = place;
    const env = { ...(await server.env()), AWS_MAX_ATTEMPTS: '12', AWS_RETRY_MODE: 'standard' };
    const client: Client = kind.start(env);
    try {
      const sealed = await client.ask('kms', 'Encrypt', { KeyId: 'alias/first', Plaintext: Buffer.from('patience') });
      await server.claviger('seal');
      const asked = client.ask('kms', 'Decrypt', { CiphertextBlob: sealed.CiphertextBlob });
      await new Promise((resolve) => setTimeout(resolve, 700));
      await server.claviger('unseal', '--passphrase-file', `${server.data}/dev-passphrase`);
      assert.equal((await asked).Plaintext.toString(), 'patience');
    } finally {
      client.close();
    }
  });
}
