/** A server as these suites want it: in two regions, with a command that rotates secrets, with a role and somebody who says who people are. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningServer, startServer } from '../../harness.ts';
import { caller, identityOf } from '../../server/place.ts';
import type { Fields } from './clients.ts';
import type { Surroundings } from './world.ts';

export interface Place extends Surroundings {
  readonly server: RunningServer;
}

const issuer = 'https://issuer.example';
const audience = 'sts.amazonaws.com';

/** Signs as the issuer does (RFC 7515, RFC 7519). */
function jwt(key: Parameters<typeof sign>[2], claims: Fields): string {
  const part = (fields: Fields) => Buffer.from(JSON.stringify(fields)).toString('base64url');
  const signed = `${part({ alg: 'ES256', typ: 'JWT', kid: 'first' })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' } as Parameters<
    typeof sign
  >[2]);
  return `${signed}.${signature.toString('base64url')}`;
}

export async function startPlace(): Promise<Place> {
  const data = mkdtempSync(join(tmpdir(), 'claviger-test-'));
  writeFileSync(join(data, 'rotators.json'), '{"rotate":{"command":["/bin/true"]}}', { mode: 0o600 });
  const server = await startServer({ data });
  const { send, close } = caller(server.url, server.data);
  const headers = { authorization: `Bearer ${identityOf(server.data).token}`, 'content-type': 'application/json' };
  const post = async (path: string, body: Fields) => {
    const answer = await send('POST', `/claviger/v1${path}`, JSON.stringify(body), headers);
    assert.ok(answer.status < 300, `${path}: ${answer.body}`);
    return JSON.parse(answer.body);
  };
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'first', alg: 'ES256', use: 'sig' };
  const otherRegion = 'eu-west-1';
  const { account } = await post('/regions', { name: 'west', region: otherRegion });
  await post('/providers', { issuer, audiences: [audience], jwks: { keys: [jwk] } });
  const providers = [{ issuer, claims: { sub: ['repo:mine'] } }];
  await post('/roles', { name: 'deployer', role: 'key-user', identities: ['developer'], providers });
  await post('/keys', { spec: 'aes-256', usages: ['encrypt'], class: 'raw', name: 'bare' });
  close();
  return {
    server,
    otherRegion,
    rawKey: 'alias/bare',
    role: `arn:aws:iam::${account}:role/deployer`,
    webIdentity(claims = {}) {
      const iat = Math.floor(Date.now() / 1000);
      return jwt(privateKey, { iss: issuer, aud: audience, sub: 'repo:mine', iat, exp: iat + 600, ...claims });
    },
  };
}
