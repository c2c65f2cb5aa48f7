import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { SoftHsm, softHsmAbsent, softHsmModule, userPin } from '../../hsm/testing/softhsm.ts';
import { sealContract } from '../testing/contract-suite.ts';
import { pkcs11Kind } from './pkcs11.ts';

const hsm = softHsmAbsent === undefined ? new SoftHsm() : undefined;
after(() => hsm?.[Symbol.dispose]());
hsm?.addToken('contract');

const pin = (text = userPin) => new SecretBytes(Buffer.from(text));
let made = 0;

for (const mechanism of ['AES-GCM', 'RSA-OAEP-SHA-1'] as const)
  sealContract(`pkcs11 by ${mechanism}`, () => ({
    absent: softHsmAbsent,
    kind: pkcs11Kind,
    settings: () => ({ module: softHsmModule, tokenLabel: 'contract', newKey: `seal ${++made}`, mechanism }),
    createSecret: () => pin(),
    wrongSecret: () => pin('11111'),
    async unreachable(during) {
      hsm!.leave();
      try {
        await during();
      } finally {
        hsm!.comeBack();
      }
    },
    flipEvery: mechanism === 'AES-GCM' ? 1 : 37,
    tampered(settings) {
      const other = join(hsm!.directory, 'other.so');
      const bytes = readFileSync(softHsmModule);
      bytes[bytes.length - 1]! ^= 1;
      return [
        {
          what: 'another module at that path',
          settings: { ...settings, module: other },
          prepare: async () => writeFileSync(other, bytes),
        },
        { what: 'the pin of another module', settings: { ...settings, moduleSha256: '0'.repeat(64) } },
        { what: 'a token of another serial', settings: { ...settings, tokenSerial: '0123456789abcdef' } },
        { what: 'a key that is not there', settings: { ...settings, keyId: '00ff' } },
        {
          what: 'another key',
          settings: { ...settings, keyId: anotherKey(mechanism) },
        },
        { what: 'words under another key', settings: { ...settings, check: 'AQ==' } },
        { what: 'no words', settings: without(settings, 'check') },
      ];
    },
  }));

function without(settings: Record<string, unknown>, name: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([member]) => member !== name));
}

let anothers = 0;
/** Of the same kind and as confined. */
function anotherKey(mechanism: string): string {
  const id = (0xa000 + anothers++).toString(16);
  const type = mechanism === 'AES-GCM' ? 'AES:32' : 'rsa:2048';
  const make = mechanism === 'AES-GCM' ? '--keygen' : '--keypairgen';
  hsm!.pkcs11Tool([make, '--key-type', type, '--id', id, '--label', `another ${id}`, '--sensitive', '--usage-decrypt']);
  return id;
}
void KmsError;
void assert;
void test;
void copyFileSync;
