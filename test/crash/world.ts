import { execFileSync } from 'node:child_process';
import { constants, createCipheriv, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KMS } from '@aws-sdk/client-kms';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createAuthority, issueServerCertificate } from '#crypto/crypto.ts';
import { fromPem } from '#encoding/encoding.ts';
import { revocationList } from '../../src/crypto/testing/recorded-certificates.ts';
import { monthly, readers } from './commands.ts';
import { copyOpeners, forgetOpeners, tell } from './openers.ts';
import { type Credential, commandLine, type Launch, passphraseOf, Victim } from './server.ts';

/** A prepared data folder with something for every command to work on, stopped; each run works on a copy. */
export interface World {
  readonly data: string;
  readonly launch: Omit<Launch, 'data'>;
  /** Whose credentials the commands use. */
  readonly asker: Credential;
  /** Ids, accessors and the like, by name. */
  readonly facts: Readonly<Record<string, string>>;
  /** Ciphertexts of 'old secret' that must go on decrypting. */
  readonly ciphertexts: readonly string[];
}

export const oldSecret = Buffer.from('old secret').toString('base64');

/** Everything that this run makes, in one folder. */
export const workshop = mkdtempSync(join(tmpdir(), 'claviger-crash-'));
process.once('exit', () => rmSync(workshop, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

let folders = 0;
export const newFolder = (): string => join(workshop, `data-${++folders}`);

/** A copy of the world that a command may do anything to. */
export function copyOf(world: World): string {
  const data = newFolder();
  cpSync(world.data, data, { recursive: true });
  if (world.launch.mode === 'server') cpSync(passphraseOf(world.data), passphraseOf(data));
  copyOpeners(world.data, data);
  return data;
}

export function discard(data: string): void {
  rmSync(data, { recursive: true, force: true });
  rmSync(passphraseOf(data), { force: true });
  forgetOpeners(data);
}

type Answer = Record<string, string> & {
  readonly key: { readonly id: string };
  readonly grant: { readonly id: string };
};

/** What an import of new material into an external key needs, as base64. */
async function foreignMaterial(kms: KMS, KeyId: string): Promise<{ importToken: string; wrapped: string }> {
  const how = { WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' } as const;
  const { ImportToken, PublicKey } = await kms.getParametersForImport({ KeyId, ...how });
  const key = createPublicKey({ key: Buffer.from(PublicKey!), format: 'der', type: 'spki' });
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const wrapped = publicEncrypt({ key, padding, oaepHash: 'sha256' }, randomBytes(32)).toString('base64');
  return { importToken: Buffer.from(ImportToken!).toString('base64'), wrapped };
}

/** A new AES key, or what else is given, as Vault's clients wrap it for the server, as base64. */
async function travelling(victim: Victim, { token }: Credential, material = randomBytes(32)): Promise<string> {
  const answer = (await victim.call(token, 'GET', '/v1/transit/wrapping_key')) as { data: { public_key: string } };
  const oaep = { key: answer.data.public_key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  const kek = randomBytes(32);
  const cipher = createCipheriv('id-aes256-wrap-pad', kek, Buffer.from('a65959a6', 'hex'));
  return Buffer.concat([publicEncrypt(oaep, kek), cipher.update(material), cipher.final()]).toString('base64');
}

/** Two AES keys as a bundle: each with its length before it. */
const twoKeys = () => Buffer.concat([0, 1].flatMap(() => [Buffer.from('00000020', 'hex'), randomBytes(32)]));

/** An identity provider whose keys the server knows, and a token of it. */
async function provider(ask: (method: string, path: string, body: object) => Promise<unknown>) {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const issuer = 'https://issuer.example';
  const audience = 'claviger';
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] };
  await ask('POST', '/providers', { issuer, audiences: [audience], jwks });
  const token = new SignJWT({ sub: 'crash' }).setProtectedHeader({ alg: 'ES256', kid: 'one' });
  const webIdentity = await token
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime('12h')
    .sign(privateKey);
  return { issuer, webIdentity };
}

/** A development server's folder. */
export async function developmentWorld(): Promise<World> {
  const data = newFolder();
  mkdirSync(data);
  // What the second one is asked for isn't done before the server is killed: its end is a change of its own.
  const rotators = { rotate: { command: ['/bin/true'] }, dawdle: { command: ['/bin/sleep', '20'] } };
  writeFileSync(join(data, 'rotators.json'), JSON.stringify(rotators), { mode: 0o600 });
  const victim = await Victim.start({ data, mode: 'dev' });
  const asker = JSON.parse(readFileSync(join(data, 'identities/developer.json'), 'utf8')) as Credential;
  const ask = async (method: string, path: string, body?: object) =>
    (await victim.native(asker.token, method, path, body)) as Answer;
  const ciphertexts: string[] = [];
  const encrypt = async (key: string) => {
    ciphertexts.push((await ask('POST', `/keys/${key}/encrypt`, { plaintext: oldSecret })).ciphertext!);
  };
  const key = async (name: string, more: object = {}) => (await ask('POST', '/keys', { name, ...more })).key.id;

  const facts: Record<string, string> = {};
  facts.plain = await key('plain', { tags: { owner: 'payments' } });
  await encrypt('plain');
  for (let version = 2; version <= 4; version++) {
    await ask('POST', '/keys/plain/rotate');
    await encrypt('plain');
  }
  facts.old = await key('old', { deletionAllowed: true });
  for (let version = 2; version <= 4; version++) await ask('POST', '/keys/old/rotate');
  await ask('PATCH', '/keys/old', { minDecryptionVersion: 3, minEncryptionVersion: 3 });
  await encrypt('old');
  facts.off = await key('off');
  await ask('POST', '/keys/off/disable');
  facts.ending = await key('ending');
  await ask('POST', '/keys/ending/schedule-destruction', { days: 7 });
  await ask('PUT', `/keys/${facts.plain}/aliases/pointer`);
  await ask('POST', '/regions', { name: 'abroad', region: 'eu-west-1' });
  facts.lone = await key('lone', { multiRegion: true });
  facts.spread = await key('spread', { multiRegion: true });
  await ask('POST', '/keys/spread/replicate', { region: 'eu-west-1' });
  await encrypt('spread');

  const kms = victim.kms(asker);
  const { KeyMetadata: foreign } = await kms.createKey({ Origin: 'EXTERNAL' });
  facts.foreign = foreign!.KeyId!;
  Object.assign(facts, await foreignMaterial(kms, facts.foreign));
  const { KeyMetadata: brought } = await kms.createKey({ Origin: 'EXTERNAL' });
  facts.brought = brought!.KeyId!;
  const { importToken, wrapped } = await foreignMaterial(kms, facts.brought);
  await kms.importKeyMaterial({
    KeyId: facts.brought,
    ImportToken: Buffer.from(importToken, 'base64'),
    EncryptedKeyMaterial: Buffer.from(wrapped, 'base64'),
    ValidTo: new Date(Date.now() + 7 * 86_400_000),
  });
  facts.account = brought!.AWSAccountId!;
  const rotator = (name: string) => `arn:aws:lambda:us-east-1:${facts.account}:function:${name}`;
  facts.dawdler = rotator('dawdle');

  // A key that came by Vault's way, and material on the way.
  facts.travelling = await travelling(victim, asker);
  facts.bundle = await travelling(victim, asker, twoKeys());
  const ciphertext = await travelling(victim, asker);
  await victim.call(asker.token, 'POST', '/v1/transit/keys/travelled/import', { ciphertext });

  // A pair, and the certificate of it that is to be set.
  const authority = createAuthority('of the crash tests', Date.now());
  const entity = issueServerCertificate(authority, { hosts: ['localhost'], now: Date.now(), days: 7 });
  const pair = await travelling(victim, asker, Buffer.from(fromPem('PRIVATE KEY', entity.key)!));
  const certified = { type: 'ecdsa-p256', ciphertext: pair };
  await victim.call(asker.token, 'POST', '/v1/transit/keys/certified/import', certified);
  facts.chain = entity.certificate + authority.certificate;

  // One that may leave, and its backup.
  await victim.call(asker.token, 'POST', '/v1/transit/keys/leaving', {
    exportable: true,
    allow_plaintext_backup: true,
  });
  const backup = await victim.call(asker.token, 'GET', '/v1/transit/backup/leaving');
  facts.backup = (backup as { data: { backup: string } }).data.backup;

  // A policy, and a role of AppRole that has a secret id for one login.
  const vault = (path: string, body: object) => victim.call(asker.token, 'POST', `/v1/${path}`, body);
  await vault('sys/mounts/crash', { type: 'kv' });
  await vault('sys/policies/acl/old', { policy: 'path "a" { }' });
  await vault('auth/token/roles/crash', {});
  for (let i = 0; i < 3; i++) await vault('auth/token/create/crash', {});
  await vault('sys/auth/crash', { type: 'jwt' });
  await vault('sys/auth/crash-cert', { type: 'cert' });
  await vault('auth/crash-cert/crls/crash', { crl: revocationList });
  await vault('auth/approle/role/crash', { role_id: 'crash-role', secret_id_num_uses: 1 });
  await vault('auth/approle/role/crash/custom-secret-id', { secret_id: 'once' });
  const day = { 'x-vault-wrap-ttl': '24h' };
  const kept = await victim.call(asker.token, 'POST', '/v1/sys/wrapping/wrap', { a: 'b' }, day);
  facts.wrapping = (kept as { wrap_info: { token: string } }).wrap_info.token;

  const secrets = victim.secrets(asker);
  for (const Name of ['kept', 'copied', 'leaving']) await secrets.createSecret({ Name, SecretString: oldSecret });
  facts.version = (await secrets.putSecretValue({ SecretId: 'kept', SecretString: 'newer' })).VersionId!;
  await secrets.replicateSecretToRegions({ SecretId: 'copied', AddReplicaRegions: [{ Region: 'eu-west-1' }] });
  await secrets.deleteSecret({ SecretId: 'leaving', RecoveryWindowInDays: 7 });
  await secrets.createSecret({ Name: 'ruled', SecretString: oldSecret, Tags: [{ Key: 'owner', Value: 'payments' }] });
  await secrets.rotateSecret({ SecretId: 'ruled', RotationLambdaARN: rotator('rotate'), ...monthly });

  const ann = await ask('POST', '/identities', { name: 'ann', role: 'key-user', groups: ['staff'] });
  facts.annAccessKey = ann.accessKeyId!;
  facts.annToken = ann.token!;
  facts.ann = `arn:aws:iam::${facts.account}:user/ann`;
  await secrets.putResourcePolicy({ SecretId: 'ruled', ResourcePolicy: readers(facts.ann) });
  secrets.destroy();
  const grant = { KeyId: facts.plain, GranteePrincipal: facts.ann, Operations: ['Decrypt' as const] };
  const { GrantId, GrantToken } = await kms.createGrant(grant);
  kms.destroy();
  Object.assign(facts, { keyGrant: GrantId, keyGrantToken: GrantToken });
  Object.assign(facts, await provider(ask));
  await ask('POST', '/roles', {
    ...{ name: 'taken', role: 'key-user', identities: ['developer'] },
    providers: [{ issuer: facts.issuer, claims: { sub: ['crash'] } }],
  });
  facts.role = `arn:aws:iam::${facts.account}:role/taken`;
  facts.grant = (await ask('POST', '/grants', { grantee: 'staff', granteeKind: 'group', role: 'auditor' })).grant.id;
  const token = await ask('POST', '/tokens', { ttlSeconds: 86_400, label: 'for renewal' });
  facts.token = token.token!;
  facts.accessor = token.accessor!;
  await victim.native(facts.token, 'POST', '/tokens', { ttlSeconds: 3600, label: 'a child' });
  await victim.kill('SIGTERM');
  return { data, launch: { mode: 'dev' }, asker, facts, ciphertexts };
}

/** The same, with a key whose rotation, one whose destruction, and one whose material's end is due once the clock is eight days ahead. */
export async function dueWorld(from: World): Promise<World> {
  const data = copyOf(from);
  const victim = await Victim.start({ data, ...from.launch });
  await victim.call(from.asker.token, 'POST', '/v1/transit/keys/daily', { auto_rotate_period: '24h' });
  await victim.kill('SIGTERM');
  return { ...from, data, launch: { ...from.launch, daysAhead: 8 } };
}

/** A production server's folder, where administering and using keys are two people's work. */
export async function productionWorld(): Promise<World> {
  const data = newFolder();
  writeFileSync(passphraseOf(data), 'a passphrase for crash tests');
  const [program, ...args] = commandLine({ data, mode: 'init' });
  const printed = execFileSync(program!, args, { encoding: 'utf8' });
  const asker = { token: /CLAVIGER_TOKEN=(\S+)/.exec(printed)![1]! };
  tell(data, { seal: 'passphrase', secret: 'a passphrase for crash tests', state: 'there' });
  // `init` makes no certificate: the first start does.
  const victim = await Victim.start({ data, mode: 'server' });
  const admin = (await victim.native(asker.token, 'POST', '/identities', {
    name: 'admin',
    role: 'key-administrator',
  })) as Answer;
  const user = (await victim.native(asker.token, 'POST', '/identities', { name: 'user', role: 'key-user' })) as Answer;
  await victim.native(admin.token!, 'POST', '/keys', { name: 'plain' });
  const encrypted = (await victim.native(user.token!, 'POST', '/keys/plain/encrypt', {
    plaintext: oldSecret,
  })) as Answer;
  await victim.kill('SIGTERM');
  return {
    data,
    launch: { mode: 'server' },
    asker,
    facts: { decrypter: user.token!, admin: admin.token! },
    ciphertexts: [encrypted.ciphertext!],
  };
}

/** Long enough after the last commit that the next one carries a checkpoint. */
export const untilCheckpointIsDue = (): Promise<void> => sleep(1050);
