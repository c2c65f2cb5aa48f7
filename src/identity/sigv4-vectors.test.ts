import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isSigV4aSignature } from '#crypto/crypto.ts';
import { fromHex, toUtf8, view } from '#encoding/encoding.ts';
import { readVectors, vectorsDir, vectorsMissing } from '../../test/vectors.ts';
import { canonicalRequest } from './canonical-request.ts';
import type { Signed } from './rig.test.ts';
import { signingKey, verifyingKey } from './signing-keys.ts';
import { isSignedBy, parseSigV4 } from './sigv4.ts';

/** The suite of AWS's own C library: each case signed in a header and in the query, with and without a session. */

const suites = ['v4', 'v4a'] as const;
const forms = ['header', 'query'] as const;
type Suite = (typeof suites)[number];
type Form = (typeof forms)[number];

const folder = (suite: Suite) => join(vectorsDir() ?? '', 'aws-sigv4', suite);
const cases = (suite: Suite) => (existsSync(folder(suite)) ? readdirSync(folder(suite)).sort() : []);
const read = (suite: Suite, name: string, file: string) =>
  view(readVectors(`aws-sigv4/${suite}/${name}/${file}`)!).toString('utf8');

/** The signed request as a carrier would hand it over: continuation lines belong to the header above them. */
function proofOf(suite: Suite, name: string, form: Form): Signed {
  const [head, ...rest] = read(suite, name, `${form}-signed-request.txt`).split('\n\n') as [string, ...string[]];
  const [first, ...lines] = head.replace(/\n[ \t]+/g, ' ').split('\n') as [string, ...string[]];
  const [, method, target] = /^(\S+) (.*) HTTP\/1\.1$/.exec(first) as unknown as [string, string, string];
  const [path, query = ''] = target.split('?') as [string, string?];
  const headers = lines.flatMap((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { kind: 'sigv4', method, path, query, headers, body: toUtf8(rest.join('\n\n').trim()), services: ['service'] };
}

/** The same request with another signature in its place. */
function resigned(proof: Signed, form: Form, signature: string): Signed {
  if (form === 'query') {
    return { ...proof, query: proof.query.replace(/(X-Amz-Signature=)[0-9a-f]+/, `$1${signature}`) };
  }
  const headers = proof.headers.map((value) => value.replace(/(Signature=)[0-9a-f]+$/, `$1${signature}`));
  return { ...proof, headers };
}

/** What proves nothing here or is refused on purpose, and why. */
function declined(suite: Suite, name: string): string | undefined {
  if (!existsSync(join(folder(suite), name, 'header-signed-request.txt'))) return 'the suite has no signature of it';
  const { normalize } = JSON.parse(read(suite, name, 'context.json')) as { normalize: boolean };
  // Where the path is the same either way, as it is with a space in it, the case holds.
  if (!normalize && !name.includes('space')) return 'paths are signed without normalisation for S3 only';
  if (name === 'post-sts-header-after') return 'a session token that is not signed could be exchanged on the way';
  return undefined;
}

/** Whether the request is signed, with which canonical request and string. */
function verify(suite: Suite, name: string, proof: Signed): boolean {
  const { credentials, region, service } = JSON.parse(read(suite, name, 'context.json'));
  const request = parseSigV4(proof);
  const secret = toUtf8(credentials.secret_access_key);
  if (suite === 'v4a') {
    const key = verifyingKey(secret, credentials.access_key_id);
    return isSigV4aSignature(key, request.stringToSign, fromHex(request.signature)!);
  }
  return isSignedBy(signingKey(secret, request.date, region, service), request);
}

for (const [suite, count] of [
  ['v4', 38],
  ['v4a', 40],
] as const) {
  for (const form of forms) {
    test(`${suite}, ${form} form: verifies every vector that is to be believed, and refuses the others`, {
      skip: vectorsMissing(`aws-sigv4/${suite}/get-vanilla/context.json`),
    }, (t) => {
      const names = cases(suite);
      assert.equal(names.length, count);
      let verified = 0;
      const refused: string[] = [];
      for (const name of names) {
        const why = declined(suite, name);
        if (why === 'the suite has no signature of it') {
          refused.push(`${name} (${why})`);
          continue;
        }
        const proof = proofOf(suite, name, form);
        if (why !== undefined) {
          let accepted = false;
          try {
            accepted = verify(suite, name, proof);
          } catch (error) {
            assert.equal((error as { code?: string }).code, 'invalid-proof', name);
          }
          assert.equal(accepted, false, name);
          refused.push(`${name} (${why})`);
          continue;
        }
        const canonical = read(suite, name, `${form}-canonical-request.txt`);
        const lines = canonical.split('\n');
        const unsigned = form === 'query' ? 'X-Amz-Signature' : undefined;
        assert.equal(canonicalRequest(proof, lines.at(-2)!.split(';'), lines.at(-1)!, unsigned), canonical, name);
        const request = parseSigV4(proof);
        assert.equal(request.stringToSign, read(suite, name, `${form}-string-to-sign.txt`), name);
        const { token } = JSON.parse(read(suite, name, 'context.json')).credentials;
        assert.equal(request.sessionToken, token, name);
        assert.equal(verify(suite, name, proof), true, name);
        // ECDSA signs differently each time, so the suite has a second signature; a MAC is the same.
        const other = read(suite, name, `${form}-signature.txt`).trim();
        assert.equal(verify(suite, name, resigned(proof, form, other)), true, name);
        assert.equal(verify(suite, name, { ...proof, method: 'PUT' }), false, name);
        verified++;
      }
      t.diagnostic(`${verified} of ${names.length} verified; the others: ${refused.join(', ')}`);
      assert.equal(verified + refused.length, count);
    });
  }
}
