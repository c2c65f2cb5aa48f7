import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Server } from '#assemble.ts';
import { DataDirectory } from '#data-directory.ts';
import { Plaintext } from '#domain/domain.ts';
import { startClaviger } from './load.ts';

export const few = 10;

export interface Stock {
  /** Keys that the load uses. */
  readonly ids: readonly string[];
}

/** Makes `count` keys in a new data folder through the gate, as clients would, many at a time; or finds them there. */
export async function furnish(folder: string, count: number): Promise<Stock> {
  const list = join(folder, 'bench-keys.json');
  if (existsSync(list)) return JSON.parse(readFileSync(list, 'utf8')) as Stock;
  const first = await startClaviger(['--bench-no-tls'], folder);
  await first.stop();
  const data = new DataDirectory(folder);
  const server = await Server.build({
    data,
    mode: 'development',
    region: 'us-east-1',
    version: 'bench',
    log: () => {},
    unsafeNoFlush: true,
  });
  await server.unseal(new Plaintext(readFileSync(join(folder, 'dev-passphrase'))));
  const { token } = first.credentials;
  const ids: string[] = [];
  let made = 0;
  const maker = async () => {
    while (made < count) {
      made++;
      if (made % 50_000 === 0) console.error(`  ${made} keys made`);
      const { key } = await server.gate.perform(
        { kind: 'token', token },
        { kind: 'create-key', spec: 'aes-256', usages: ['encrypt'], class: 'enveloped' },
        { protocol: 'bench', operation: 'create', peer: '', requestId: 'bench' },
      );
      // A sample for the load that wants other keys all the time.
      if (ids.length < few || made % 20 === 0) ids.push(key.id);
    }
  };
  await Promise.all(Array.from({ length: 512 }, maker));
  await server.close();
  const stock = { ids };
  data.write('bench-keys.json', JSON.stringify(stock));
  return stock;
}
