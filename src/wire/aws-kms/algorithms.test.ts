import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as sdk from '@aws-sdk/client-kms';
import { type KeyUsage, keySpecs } from '#domain/domain.ts';
import {
  awsMacName,
  awsSchemeNames,
  awsSigningName,
  awsSpecName,
  awsUsageName,
  fits,
  macByAwsName,
  schemeByAwsName,
  signingByAwsName,
  specByAwsName,
  usageByAwsName,
} from './algorithms.ts';

/** Every value of an enumeration of the SDK but SM2PKE, which nothing here can. */
const known = (values: Record<string, string>) =>
  Object.values(values)
    .filter((value) => value !== 'SM2PKE')
    .sort();

test('every key spec of the SDK has one of ours, and back', () => {
  assert.deepEqual([...specByAwsName.keys()].sort(), known(sdk.KeySpec));
  for (const [name, spec] of specByAwsName) assert.equal(awsSpecName(spec), name);
});

test('every key usage of the SDK has one of ours, and back', () => {
  assert.deepEqual([...usageByAwsName.keys()].sort(), known(sdk.KeyUsageType));
  for (const [name, usage] of usageByAwsName) assert.equal(awsUsageName([usage]), name);
});

test('every encryption algorithm of the SDK has one of ours, and back', () => {
  assert.deepEqual([...schemeByAwsName.keys()].sort(), known(sdk.EncryptionAlgorithmSpec));
  for (const [name, scheme] of schemeByAwsName) assert.equal(awsSchemeNames[scheme], name);
});

test('every signing algorithm of the SDK has one of ours, and back', () => {
  assert.deepEqual([...signingByAwsName.keys()].sort(), known(sdk.SigningAlgorithmSpec));
  for (const [name, { scheme }] of signingByAwsName) assert.equal(awsSigningName(scheme), name);
});

test('every MAC algorithm of the SDK has one of ours, and back', () => {
  assert.deepEqual([...macByAwsName.keys()].sort(), known(sdk.MacAlgorithmSpec));
  for (const [name, hash] of macByAwsName) assert.equal(awsMacName(hash), name);
});

test('every message type of the SDK is allowed with some algorithm', () => {
  const allowed = new Set([...signingByAwsName.values()].flatMap(({ messageTypes }) => Object.keys(messageTypes)));
  assert.deepEqual([...allowed].sort(), known(sdk.MessageType));
});

test('every spec of ours has a name for AWS clients', () => {
  for (const spec of Object.keys(keySpecs) as Array<keyof typeof keySpecs>) {
    assert.match(awsSpecName(spec), /^[A-Z0-9_]+$/);
  }
  assert.equal(awsSpecName('aes-128'), 'SYMMETRIC_DEFAULT');
  assert.equal(awsSpecName('slh-dsa-sha2-128s'), 'SLH_DSA_SHA2_128S');
});

test('a key of several usages is reported by the first that AWS knows', () => {
  assert.equal(awsUsageName(['sign', 'encrypt']), 'ENCRYPT_DECRYPT');
  assert.equal(awsUsageName(['derive', 'mac']), 'GENERATE_VERIFY_MAC');
});

/** The table under "KeyUsage" of CreateKey's documentation. */
const allowed: Record<string, readonly string[]> = {
  SYMMETRIC_DEFAULT: ['ENCRYPT_DECRYPT'],
  HMAC: ['GENERATE_VERIFY_MAC'],
  RSA: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
  ECC_NIST_P: ['SIGN_VERIFY', 'KEY_AGREEMENT'],
  ECC_NIST_EDWARDS25519: ['SIGN_VERIFY'],
  ECC_SECG_P256K1: ['SIGN_VERIFY'],
  ML_DSA: ['SIGN_VERIFY'],
  ML_KEM: ['ENCAPSULATE_DECAPSULATE'],
  // Also for encryption and agreement at AWS.
  SM2: ['SIGN_VERIFY'],
};

test('a spec takes the usages that AWS allows it and no other', () => {
  for (const [name, spec] of specByAwsName) {
    const row = Object.keys(allowed).find((stem) => name.startsWith(stem));
    assert.ok(row, name);
    const taken = [...usageByAwsName].filter(([, usage]: [string, KeyUsage]) => fits(spec, usage)).map(([n]) => n);
    // HMAC keys derive too, but no AWS usage says so.
    assert.deepEqual(taken.sort(), [...allowed[row]!].sort(), name);
  }
});
