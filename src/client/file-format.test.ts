import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InauthenticError } from './chunked.ts';
import {
  type DataKeys,
  decryptStream,
  encryptStream,
  NotEncryptedFileError,
  openDataKey,
  readHeader,
} from './encrypt-stream.ts';
import { decodeHeader, encodeHeader, type FileHeader, headerLength, maxHeaderLength } from './file-format.ts';

const example: FileHeader = {
  realm: '123456789012',
  keyId: '0b5e3c1a-9d2f-4e6b-8a7c-1f2e3d4c5b6a',
  keyVersion: 7,
  keyName: 'payments/eu',
  wrappedKey: Uint8Array.from({ length: 140 }, (_, i) => i),
  context: [
    ['purpose', 'backup'],
    ['zürich', '\u{1f511}'],
  ],
};

async function* once(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

async function gathered(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

/** Opens a data key only with the context under which it was made, as the server does. */
function localKeys(): DataKeys {
  const made = new Map<string, { readonly key: Uint8Array; readonly context: string }>();
  const text = (context: FileHeader['context']) => JSON.stringify([...context].sort());
  return {
    async generateDataKey(_key, context) {
      const plaintext = crypto.getRandomValues(new Uint8Array(32));
      const ciphertext = crypto.getRandomValues(new Uint8Array(60));
      made.set(ciphertext.toString(), { key: Uint8Array.from(plaintext), context: text(context) });
      return { realm: example.realm, keyId: example.keyId, version: 1, plaintext, ciphertext };
    },
    async decrypt(ciphertext, context) {
      const found = made.get(ciphertext.toString());
      if (found?.context !== text(context)) throw new InauthenticError();
      return { plaintext: Uint8Array.from(found.key) };
    },
  };
}

test('a header comes back as it was written', () => {
  assert.deepEqual(decodeHeader(encodeHeader(example)), example);
  const bare = { ...example, keyName: '', context: [], wrappedKey: new Uint8Array() };
  assert.deepEqual(decodeHeader(encodeHeader(bare)), bare);
});

test('context pairs are written in the order of their bytes, whatever order they came in', () => {
  const context = [
    ['\u{10000}', 'after'],
    ['\uffff', 'before, although UTF-16 says otherwise'],
    ['a', ''],
  ] as const;
  const decoded = decodeHeader(encodeHeader({ ...example, context }));
  assert.deepEqual(
    decoded?.context.map(([key]) => key),
    ['a', '\uffff', '\u{10000}'],
  );
});

test('refuses to write what the format does not hold', () => {
  const huge = 'x'.repeat(70_000);
  for (const wrong of [
    {
      context: [
        ['a', '1'],
        ['a', '2'],
      ] as const,
    },
    { context: [['a', huge]] as const },
    { context: [['a', 'x'.repeat(33_000)]] as const },
    { realm: 'x'.repeat(256) },
    { keyVersion: -1 },
    { keyVersion: 2 ** 32 },
    { keyId: 'not a UUID' },
  ]) {
    assert.throws(() => encodeHeader({ ...example, ...wrong }), RangeError, Object.keys(wrong)[0]);
  }
});

test('there is one way to write a header: whatever decodes, encodes to the same bytes', () => {
  const bytes = encodeHeader(example);
  let decoded = 0;
  for (let at = 0; at < bytes.length; at++) {
    for (const change of [1, 0x80, 0xff]) {
      const altered = bytes.with(at, bytes[at]! ^ change);
      const header = decodeHeader(altered);
      if (header === undefined) continue;
      decoded++;
      assert.deepEqual(encodeHeader(header), altered, `byte ${at}`);
    }
  }
  assert.ok(decoded > 100);
});

test('refuses every truncation, anything after, other magic, format or suite', () => {
  const bytes = encodeHeader(example);
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeHeader(bytes.subarray(0, length)), undefined);
  assert.equal(decodeHeader(Buffer.concat([bytes, Buffer.alloc(1)])), undefined);
  for (let at = 0; at < 12; at++) assert.equal(decodeHeader(bytes.with(at, bytes[at]! ^ 1)), undefined, `byte ${at}`);
});

test('never throws and never reads on for ever, whatever the bytes', () => {
  const start = encodeHeader(example).subarray(0, 12);
  for (let round = 0; round < 20_000; round++) {
    const length = round % 300;
    const bytes = new Uint8Array(12 + length);
    crypto.getRandomValues(bytes.subarray(12));
    bytes.set(start);
    bytes[10] = length >> 8;
    bytes[11] = length & 255;
    const header = decodeHeader(bytes);
    if (header !== undefined) assert.deepEqual(encodeHeader(header), bytes);
  }
  assert.equal(headerLength(Uint8Array.from([...start.subarray(0, 10), 0xff, 0xff])), undefined);
  assert.ok(maxHeaderLength < 40_000);
});

test('a small file with any byte changed, cut short or extended does not decrypt', async () => {
  const keys = localKeys();
  const options = { key: 'payments', context: [['purpose', 'backup']] as const };
  const plaintext = Buffer.from('the combination is 12-34-56');
  const file = await gathered(encryptStream(keys, once(plaintext), options));
  assert.deepEqual(await gathered(decryptStream(keys, once(file))), plaintext);
  const refused = (error: unknown) => error instanceof InauthenticError || error instanceof NotEncryptedFileError;
  for (let at = 0; at < file.length; at++) {
    for (const change of [1, 0x80]) {
      const altered = Buffer.from(file);
      altered[at]! ^= change;
      await assert.rejects(gathered(decryptStream(keys, once(altered))), refused, `byte ${at}`);
    }
    await assert.rejects(gathered(decryptStream(keys, once(file.subarray(0, at)))), refused, `${at} bytes`);
  }
  await assert.rejects(gathered(decryptStream(keys, once(file, Buffer.from('x')))), refused);
});

test('a header with another data key that opens as well does not open the file', async () => {
  const keys = localKeys();
  const a = await gathered(encryptStream(keys, once(Buffer.from('a')), { key: 'k' }));
  const b = await gathered(encryptStream(keys, once(Buffer.from('b')), { key: 'k' }));
  const length = headerLength(a)!;
  const mixed = Buffer.concat([b.subarray(0, headerLength(b)!), a.subarray(length)]);
  await assert.rejects(gathered(decryptStream(keys, once(mixed))), InauthenticError);
});

test('the header tells key, version and context before anything is decrypted', async () => {
  const keys = localKeys();
  const options = { key: 'payments', context: [['purpose', 'backup']] as const };
  const file = await gathered(encryptStream(keys, once(Buffer.from('x')), options));
  const { header } = await readHeader(once(...Array.from(file, (byte) => Uint8Array.of(byte))));
  assert.equal(header.keyName, 'payments');
  assert.equal(header.keyVersion, 1);
  assert.deepEqual(header.context, [['purpose', 'backup']]);
  await assert.rejects(openDataKey(keys, header, [['purpose', 'other']]), InauthenticError);
});

test('other files are told apart from damaged ones', async () => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), Buffer.alloc(5000, 1)]) {
    await assert.rejects(gathered(decryptStream(localKeys(), once(bytes))), NotEncryptedFileError);
  }
});
