/** One request that succeeds for every row of Vault's door about keys that travel. */
import { createAuthority, issueServerCertificate, openPublicKey, wrapForTransfer } from '#crypto/crypto.ts';
import { type Key, SecretBytes } from '#domain/domain.ts';
import { fromPem, toBase64, toUtf8 } from '#encoding/encoding.ts';
import { type Case, type Cases, canaries, ec, fresh } from './cases.ts';
import { byId, type House } from './house.ts';

async function wrapped(house: House, material: string): Promise<Uint8Array> {
  const { publicKey } = await house.perform({ kind: 'get-wrapping-key' });
  using secret = new SecretBytes(toUtf8(material));
  return wrapForTransfer(openPublicKey('rsa-4096', publicKey), 'sha256', secret);
}

/** A key that came from elsewhere. */
async function imported(house: House): Promise<Key> {
  const brought = { hash: 'sha256', wrapped: await wrapped(house, canaries.material.toUpperCase()) } as const;
  const facts = { name: fresh('imported'), specs: ['aes-256'], usages: ['encrypt', 'mac'] } as const;
  return (await house.perform({ kind: 'import-key', ...facts, brought })).key;
}

/** A key of an end entity of its own, and the certificate that goes with it. */
async function certified(house: House): Promise<{ readonly name: string; readonly chain: string }> {
  const authority = createAuthority('of a test', house.now);
  const entity = issueServerCertificate(authority, { hosts: ['localhost'], now: house.now, days: 7 });
  const { publicKey } = await house.perform({ kind: 'get-wrapping-key' });
  using secret = new SecretBytes(fromPem('PRIVATE KEY', entity.key)!);
  const brought = wrapForTransfer(openPublicKey('rsa-4096', publicKey), 'sha256', secret);
  const name = fresh('certified');
  await house.perform({
    ...{ kind: 'import-key', name, specs: ['ec-p256'], usages: ['sign'] },
    brought: { hash: 'sha256', wrapped: brought },
  });
  return { name, chain: entity.certificate + authority.certificate };
}

const ciphertext = async (house: House) => ({ ciphertext: toBase64(await wrapped(house, canaries.material)) });

/** A request about an exportable key, whose name stands for `:name`. */
function leaving(path: string, more: Parameters<House['key']>[0] = {}): Case {
  return async (doors) => {
    const { house } = doors;
    const facts = { spec: 'aes-256', usages: ['encrypt', 'mac'], exportable: true } as const;
    const key = await house.key({ ...facts, name: fresh('leaving'), ...more });
    const to = await house.key({ spec: 'rsa-2048', usages: ['encrypt'], name: fresh('destination') });
    const filled = path.replace(':name', key.names[0]!).replace(':destination', to.names[0]!);
    return () => doors.vault('GET', filled);
  };
}

const importVersion: Case = async (doors) => {
  const key = await imported(doors.house);
  const body = await ciphertext(doors.house);
  return () => doors.vault('POST', `transit/keys/${key.names[0]}/import_version`, body);
};

export const transferCases: Cases = {
  'GET transit/wrapping_key': async (doors) => () => doors.vault('GET', 'transit/wrapping_key'),
  'POST transit/keys/:name/import': async (doors) => {
    const name = fresh('brought');
    const body = await ciphertext(doors.house);
    return () => doors.vault('POST', `transit/keys/${name}/import`, body);
  },
  'POST transit/keys/:name/import_version': importVersion,
  'GET transit/export/:type/:name': leaving('transit/export/encryption-key/:name'),
  'GET transit/export/public-key/:name': leaving('transit/export/public-key/:name', ec),
  'GET transit/backup/:name': leaving('transit/backup/:name', { backupAllowed: true }),
  'POST transit/restore': async (doors) => {
    const facts = { spec: 'aes-256', usages: ['encrypt'], exportable: true, backupAllowed: true } as const;
    const key = await doors.house.key({ ...facts, name: fresh('kept') });
    const { backup } = await doors.house.perform({ kind: 'backup-key', key: byId(key) });
    return () => doors.vault('POST', 'transit/restore', { backup: toBase64(backup), force: true });
  },
  'GET transit/export/certificate-chain/:name': async (doors) => {
    const { name, chain } = await certified(doors.house);
    await doors.vault('POST', `transit/keys/${name}/set-certificate`, { certificate_chain: chain });
    return () => doors.vault('GET', `transit/export/certificate-chain/${name}`);
  },
  'POST transit/keys/:name/csr': async (doors) => {
    const { name } = await certified(doors.house);
    return () => doors.vault('POST', `transit/keys/${name}/csr`, {});
  },
  'POST transit/keys/:name/set-certificate': async (doors) => {
    const { name, chain } = await certified(doors.house);
    return () => doors.vault('POST', `transit/keys/${name}/set-certificate`, { certificate_chain: chain });
  },
  'GET transit/cache-config': async (doors) => () => doors.vault('GET', 'transit/cache-config'),
  'POST transit/cache-config': async (doors) => () => doors.vault('POST', 'transit/cache-config', { size: 1000 }),
  'GET transit/config/keys': async (doors) => () => doors.vault('GET', 'transit/config/keys'),
  'POST transit/config/keys': async (doors) => () =>
    doors.vault('POST', 'transit/config/keys', { disable_upsert: false }),
  'GET transit/byok-export/:destination/:name': leaving('transit/byok-export/:destination/:name'),
};
