import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { digest } from '#crypto/crypto.ts';
import { KmsError } from '#domain/domain.ts';
import { toHex } from '#encoding/encoding.ts';

/** Bytes of the largest module that is read. */
const maxModule = 256 * 1024 * 1024;

/** A PKCS#11 module whose bytes are known. */
export interface ModuleCopy extends Disposable {
  /** What is to be loaded: nobody else's file, so nobody has exchanged it since it was hashed. */
  readonly path: string;
}

/** Its SHA-256, to be pinned. Rejects as `copyModule` does. */
export function moduleDigest(path: string): string {
  return toHex(digest('sha256', readModule(path)));
}

/**
 * Reads the module once, compares what was read, and writes those very bytes into a directory of this user's own: the name that it came
 * from may be exchanged between a look and a load, this one can't. Each copy is loaded as a library of its own, with its own login, so
 * that whoever opens a token a second time brings the right PIN too. What the module itself loads (its libraries, its settings) is not
 * covered, nor is whoever is this user or root. Throws 'tampered', and 'unavailable' where there is no such file.
 */
export function copyModule(path: string, sha256: string): ModuleCopy {
  const bytes = readModule(path);
  const found = toHex(digest('sha256', bytes));
  if (found !== sha256.toLowerCase())
    throw new KmsError('tampered', `The module ${path} is not the one that was pinned: its SHA-256 is ${found}.`);
  const directory = mkdtempSync(join(tmpdir(), 'claviger-hsm-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.on('exit', remove);
  const copy = join(directory, 'module.so');
  writeFileSync(copy, bytes, { mode: 0o500, flag: 'wx' });
  return {
    path: copy,
    [Symbol.dispose]() {
      process.off('exit', remove);
      remove();
    },
  };
}

function readModule(path: string): Uint8Array {
  if (!isAbsolute(path)) throw new KmsError('invalid-parameter', `The path of the module is not absolute: ${path}.`);
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new KmsError('unavailable', `The PKCS#11 module can't be opened: ${(error as Error).message}.`);
  }
  try {
    const facts = fstatSync(file);
    if (!facts.isFile() || facts.size === 0 || facts.size > maxModule)
      throw new KmsError('invalid-parameter', `${path} is no PKCS#11 module.`);
    const bytes = Buffer.alloc(facts.size);
    let read = 0;
    for (let more = 1; more > 0 && read < bytes.length; read += more)
      more = readSync(file, bytes, read, bytes.length - read, null);
    return bytes.subarray(0, read);
  } finally {
    closeSync(file);
  }
}
