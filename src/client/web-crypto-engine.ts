import { type ChunkEngine, chunkLength, chunkNonce, own, sealedChunkLength, tagLength } from './chunked.ts';

/** The cipher of every browser and runtime. The chunks of a run are encrypted side by side, as the runtime sees fit. */
export const webCryptoEngine: ChunkEngine = {
  runChunks: 16,
  async start(rawKey, baseNonce) {
    const key = await crypto.subtle.importKey('raw', own(rawKey), 'AES-GCM', false, ['encrypt', 'decrypt']);
    const parameters = (index: number) => ({ name: 'AES-GCM', iv: chunkNonce(baseNonce, index), tagLength: 128 });
    return {
      async seal(first, run, final) {
        const parts = cut(run, chunkLength, final);
        const out = new Uint8Array(run.length + parts.length * tagLength);
        const seal = async (part: Uint8Array, i: number) => {
          const sealed = await crypto.subtle.encrypt(parameters(first + i), key, own(part));
          out.set(new Uint8Array(sealed), i * sealedChunkLength);
        };
        await Promise.all(parts.map(seal));
        return out;
      },
      async open(first, run, final) {
        const parts = cut(run, sealedChunkLength, final);
        const out = new Uint8Array(run.length - parts.length * tagLength);
        const open = async (part: Uint8Array, i: number) => {
          const opened = await crypto.subtle.decrypt(parameters(first + i), key, own(part));
          out.set(new Uint8Array(opened), i * chunkLength);
        };
        try {
          await Promise.all(parts.map(open));
          return out;
        } catch {
          return undefined;
        }
      },
      dispose() {},
    };
  },
};

function cut(run: Uint8Array, length: number, final: boolean): Uint8Array[] {
  const count = Math.floor(run.length / length) + (final ? 1 : 0);
  return Array.from({ length: count }, (_, i) => run.subarray(i * length, (i + 1) * length));
}
