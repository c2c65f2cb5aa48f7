import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** Where the public test vectors stand, or undefined. */
export function vectorsDir(): string | undefined {
  const dir =
    process.env.CLAVIGER_VECTORS ?? join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'shared', 'vectors');
  return existsSync(dir) ? dir : undefined;
}

/** The bytes of one vector file, decompressed if its name ends in .gz; undefined where it is absent. */
export function readVectors(path: string): Buffer | undefined {
  const dir = vectorsDir();
  if (dir === undefined || !existsSync(join(dir, path))) return undefined;
  const bytes = readFileSync(join(dir, path));
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** For `test(name, { skip: vectorsMissing(path) }, ...)`: false, or the line that says what is absent. */
export function vectorsMissing(path: string): string | false {
  return readVectors(path) === undefined ? `skipped: test vectors absent (${path}); set CLAVIGER_VECTORS` : false;
}
