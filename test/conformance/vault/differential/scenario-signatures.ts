import { createHash } from 'node:crypto';
import { b64, type Call, get, post, type Scenario } from './call.ts';

const input = b64('a message');
const digest = (name: string) => createHash(name).update('a message').digest('base64');

function signer(type: string): readonly Call[] {
  const name = `s-${type}`;
  return [
    post(`transit/keys/${name}`, { type }),
    post(`transit/sign/${name}`, { input }, { keep: { [type]: 'data.signature' } }),
    post(`transit/verify/${name}`, { input, signature: `{${type}}` }),
    post(`transit/verify/${name}`, { input: '', signature: `{${type}}` }),
    post(`transit/sign/${name}/sha2-512`, { input }, { keep: { [`${type}5`]: 'data.signature' } }),
    post(`transit/verify/${name}/sha2-512`, { input, signature: `{${type}5}` }),
    post(`transit/verify/${name}/sha2-256`, { input, signature: `{${type}5}` }),
    post(
      `transit/sign/${name}`,
      { input: digest('sha256'), prehashed: true },
      { keep: { [`${type}d`]: 'data.signature' } },
    ),
    post(`transit/verify/${name}`, { input, signature: `{${type}d}` }),
  ];
}

const jws = ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521'].flatMap((type) => [
  post(`transit/sign/s-${type}`, { input, marshaling_algorithm: 'jws' }, { keep: { [`${type}j`]: 'data.signature' } }),
  post(`transit/verify/s-${type}`, { input, marshaling_algorithm: 'jws', signature: `{${type}j}` }),
  post(`transit/verify/s-${type}`, { input, signature: `{${type}j}` }),
]);

const rsa = [
  { signature_algorithm: 'pkcs1v15' },
  { signature_algorithm: 'pss', salt_length: 'hash' },
  { signature_algorithm: 'pss', salt_length: '20' },
  { signature_algorithm: 'pkcs1v15', hash_algorithm: 'sha1' },
  { hash_algorithm: 'sha3-256' },
].flatMap((options, i) => [
  post('transit/sign/s-rsa-2048', { input, ...options }, { keep: { [`r${i}`]: 'data.signature' } }),
  post('transit/verify/s-rsa-2048', { input, ...options, signature: `{r${i}}` }),
]);

export const signatures: Scenario = {
  name: 'signatures',
  calls: [
    ...['ed25519', 'ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521', 'rsa-2048', 'rsa-3072'].flatMap(signer),
    ...jws,
    ...rsa,
    post('transit/sign/s-rsa-2048', { input, signature_algorithm: 'nonsense' }),
    post('transit/sign/s-rsa-2048', { input, salt_length: 'nonsense' }),
    post('transit/sign/s-rsa-2048', { input, salt_length: '-3' }),
    post('transit/sign/s-rsa-2048', {
      input: digest('sha256'),
      prehashed: true,
      hash_algorithm: 'none',
      signature_algorithm: 'pkcs1v15',
    }),
    post('transit/sign/s-rsa-2048', { input: b64('short'), prehashed: true }),
    post('transit/sign/s-ecdsa-p256', { input, marshaling_algorithm: 'nonsense' }),
    post('transit/sign/s-ecdsa-p256', { input, hash_algorithm: 'nonsense' }),
    post('transit/sign/s-ecdsa-p256', { input, hash_algorithm: 'none' }),
    post('transit/sign/s-ecdsa-p256/sha3-512', { input }),
    post('transit/sign/s-ecdsa-p256', { input, key_version: 2 }),
    post('transit/sign/s-ecdsa-p256', { input, key_version: -1 }),
    post('transit/sign/s-ecdsa-p256', { input: '!' }),
    post('transit/sign/s-ecdsa-p256'),
    post('transit/sign/absent', { input }),
    post('transit/verify/absent', { input, signature: '{ecdsa-p256}' }),
    post('transit/verify/s-ecdsa-p256', { input }),
    post('transit/verify/s-ecdsa-p256', { input, signature: 'x' }),
    post('transit/verify/s-ecdsa-p256', { input, signature: 'vault:v1:!' }),
    post('transit/verify/s-ecdsa-p256', { input, signature: 'vault:v1:AAAA' }),
    post('transit/verify/s-ecdsa-p256', { input, signature: 'vault:v9:AAAA' }),
    post('transit/verify/s-ecdsa-p256', { input, signature: '{ecdsa-p256}', hmac: '{ecdsa-p256}' }),
    post('transit/verify/s-ecdsa-p256', { input, signature: '{ecdsa-p384}' }),
    post('transit/keys/s-ecdsa-p256/rotate'),
    post('transit/sign/s-ecdsa-p256', { input }),
    post('transit/sign/s-ecdsa-p256', { input, key_version: 1 }),
    post('transit/verify/s-ecdsa-p256', { input, signature: '{ecdsa-p256}' }),
    post('transit/keys/s-ecdsa-p256/config', { min_decryption_version: 2 }),
    post('transit/verify/s-ecdsa-p256', { input, signature: '{ecdsa-p256}' }),
    post('transit/sign/s-ecdsa-p256', { input, key_version: 1 }),
    post('transit/keys/s-aes', {}),
    post('transit/sign/s-aes', { input }),
    post('transit/verify/s-aes', { input, signature: '{ecdsa-p256}' }),
    get('transit/sign/s-aes'),
  ],
};

const hashes = ['sha1', 'sha2-224', 'sha2-256', 'sha2-384', 'sha2-512', 'sha3-224', 'sha3-256', 'sha3-384', 'sha3-512'];

export const digests: Scenario = {
  name: 'digests-and-randomness',
  calls: [
    ...hashes.map((name) => post(`transit/hash/${name}`, { input })),
    post('transit/hash', { input }),
    post('transit/hash', { input, algorithm: 'sha2-512', format: 'base64' }),
    post('transit/hash', { input, format: 'nonsense' }),
    post('transit/hash/nonsense', { input }),
    post('transit/hash', { input: '!' }),
    post('transit/hash', { input: '' }),
    post('transit/hash'),
    put('transit/hash/sha2-256', input),
    post('transit/keys/m'),
    post('transit/keys/m-hmac', { type: 'hmac', key_size: 32 }),
    post('transit/keys/m-rsa', { type: 'rsa-2048' }),
    ...['m', 'm-hmac', 'm-rsa'].flatMap((name) => [
      post(`transit/hmac/${name}`, { input }, { keep: { [name]: 'data.hmac' } }),
      post(`transit/verify/${name}`, { input, hmac: `{${name}}` }),
      post(`transit/verify/${name}`, { input: '', hmac: `{${name}}` }),
      post(`transit/verify/${name}/sha2-512`, { input, hmac: `{${name}}` }),
    ]),
    ...hashes.map((name) => post(`transit/hmac/m/${name}`, { input })),
    post('transit/hmac/m/nonsense', { input }),
    post('transit/hmac/m', { input: '!' }),
    post('transit/hmac/m'),
    post('transit/hmac/m', { input, key_version: 2 }),
    post('transit/hmac/m', { input, key_version: -1 }),
    post('transit/hmac/absent', { input }),
    post('transit/verify/m', { input, hmac: 'x' }),
    post('transit/verify/m', { input, hmac: 'vault:v1:!' }),
    post('transit/verify/m', { input, hmac: 'vault:v9:AAAA' }),
    post('transit/verify/m', { input }),
    post('transit/encrypt/m-hmac', { plaintext: input }),
    post('transit/random'),
    post('transit/random/16'),
    post('transit/random', { bytes: 8, format: 'hex' }),
    post('transit/random/platform/4'),
    post('transit/random/all/4'),
    post('transit/random/nonsense/4'),
    post('transit/random', { bytes: 0 }),
    post('transit/random', { bytes: -1 }),
    post('transit/random', { bytes: '4' }),
    post('transit/random/131073'),
    post('transit/random', { bytes: 4, format: 'nonsense' }),
    get('transit/random'),
  ],
};

function put(path: string, text: string): Call {
  return { method: 'PUT', path, body: { input: text } };
}
