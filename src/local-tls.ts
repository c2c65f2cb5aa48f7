import { isIP } from 'node:net';
import { createAuthority, issueServerCertificate } from '#crypto/crypto.ts';
import type { DataDirectory } from './data-directory.ts';

const day = 24 * 60 * 60 * 1000;
const lifeDays = 398;
const renewBeforeDays = 30;
const files = {
  ca: 'tls/ca.pem',
  caKey: 'tls/ca.key',
  certificate: 'tls/server.pem',
  key: 'tls/server.key',
  facts: 'tls/server.json',
};

export interface ServerTls {
  readonly certificate: string;
  readonly key: string;
  /** What clients must trust; undefined: what they trust anyway. */
  readonly caFile: string | undefined;
}

/** A certificate of the data folder's own authority for this host, made or renewed when it must be. */
export function localTls(data: DataDirectory, host: string, now: number): ServerTls {
  const hosts = [
    ...new Set(['localhost', '127.0.0.1', '::1', ...(isIP(host) === 0 || !isWildcard(host) ? [host] : [])]),
  ];
  if (!data.has(files.ca) || !data.has(files.caKey)) {
    const authority = createAuthority('Claviger local authority', now);
    data.write(files.caKey, authority.key);
    data.write(files.ca, authority.certificate, 0o644);
  }
  if (!isFresh(data, hosts, now)) {
    const authority = { certificate: data.read(files.ca), key: data.read(files.caKey) };
    const { certificate, key } = issueServerCertificate(authority, { hosts, now, days: lifeDays });
    data.write(files.key, key);
    data.write(files.certificate, certificate, 0o644);
    data.write(files.facts, `${JSON.stringify({ hosts, expiresAt: now + lifeDays * day })}\n`);
  }
  return { certificate: data.read(files.certificate), key: data.read(files.key), caFile: data.file(files.ca) };
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function isFresh(data: DataDirectory, hosts: readonly string[], now: number): boolean {
  if (!data.has(files.facts) || !data.has(files.certificate) || !data.has(files.key)) return false;
  const facts = JSON.parse(data.read(files.facts)) as { hosts: string[]; expiresAt: number };
  return hosts.every((host) => facts.hosts.includes(host)) && facts.expiresAt > now + renewBeforeDays * day;
}
