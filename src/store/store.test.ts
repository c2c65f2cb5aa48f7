import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeContract } from './contract.ts';
import { memoryStore, openSqliteStore } from './store.ts';

storeContract('the store in memory', async () => ({ store: memoryStore() }));

storeContract('the store on SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'claviger-store-'));
  const places = { path: join(folder, 'claviger.db'), anchorPath: join(folder, 'anchor') };
  const store = await openSqliteStore(places);
  return {
    store,
    async reopen() {
      await store.close();
      return openSqliteStore(places);
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
});
