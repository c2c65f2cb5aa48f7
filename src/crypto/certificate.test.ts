import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { promisify } from 'node:util';
import { createAuthority, issueServerCertificate } from '#crypto/crypto.ts';
import { ipAddress } from './subject-alternative-name.ts';

const run = promisify(execFile);
const day = 24 * 60 * 60 * 1000;
const now = Date.now();
const hosts = ['localhost', 'kms.example.com', '*.svc.local', '127.0.0.1', '::1', 'fd00::12:34'];
const authority = createAuthority('Claviger Ünïcode', now);
const issued = issueServerCertificate(authority, { hosts, now, days: 90 });
const ca = new X509Certificate(authority.certificate);
const leaf = new X509Certificate(issued.certificate);

const folder = mkdtempSync(join(tmpdir(), 'crypto-certificate-'));
after(() => rmSync(folder, { recursive: true, force: true }));
for (const [name, text] of Object.entries({
  'ca.pem': authority.certificate,
  'leaf.pem': issued.certificate,
  'leaf.key': issued.key,
})) {
  writeFileSync(join(folder, name), text);
}

test('the authority signs itself and the server, and nobody else does', () => {
  assert.ok(ca.ca && ca.verify(ca.publicKey) && ca.checkIssued(ca));
  assert.ok(!leaf.ca && leaf.verify(ca.publicKey) && leaf.checkIssued(ca));
  assert.ok(leaf.checkPrivateKey(createPrivateKey(issued.key)));
  assert.equal(leaf.issuer, ca.subject);
  const other = new X509Certificate(createAuthority('Claviger Ünïcode', now).certificate);
  assert.equal(leaf.verify(other.publicKey), false);
});

test('the server’s certificate is for each of its hosts and no other', () => {
  for (const name of ['localhost', 'kms.example.com', 'a.svc.local']) assert.ok(leaf.checkHost(name), name);
  for (const name of ['example.com', 'svc.local', 'a.b.svc.local']) assert.equal(leaf.checkHost(name), undefined, name);
  for (const address of ['127.0.0.1', '::1', 'fd00::12:34']) assert.ok(leaf.checkIP(address), address);
  for (const address of ['127.0.0.2', '::2']) assert.equal(leaf.checkIP(address), undefined, address);
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']);
});

test('times are as asked, and never past the authority’s own', () => {
  assert.ok(ca.validFromDate.getTime() <= now && leaf.validFromDate.getTime() <= now);
  assert.equal(Math.round((ca.validToDate.getTime() - now) / day), 3652);
  assert.equal(Math.round((leaf.validToDate.getTime() - now) / day), 90);
  const long = issueServerCertificate(authority, { hosts, now, days: 100_000 });
  assert.equal(new X509Certificate(long.certificate).validToDate.getTime(), ca.validToDate.getTime());
});

test('serial numbers are positive, of one length and never the same', () => {
  const serials = Array.from(
    { length: 50 },
    () => new X509Certificate(issueServerCertificate(authority, { hosts, now, days: 1 }).certificate).serialNumber,
  );
  assert.equal(new Set(serials).size, serials.length);
  assert.ok(serials.every((serial) => /^[4-7][0-9A-F]{31}$/.test(serial)));
});

for (const host of ['127.0.0.1', '::1', 'localhost']) {
  test(`a TLS client that trusts the authority reaches ${host}`, async (t) => {
    const server = createServer({ cert: issued.certificate, key: issued.key }, (socket) => socket.end('hello'));
    server.on('tlsClientError', () => {});
    server.listen(0, host);
    const up = await Promise.race([
      once(server, 'listening').then(() => true),
      once(server, 'error').then(() => false),
    ]);
    if (!up) return t.skip(`skipped: no ${host} on this machine`);
    const { port } = server.address() as AddressInfo;
    try {
      const trusted = connect({ host, port, ca: authority.certificate });
      const [data] = await once(trusted, 'data');
      assert.equal(String(data), 'hello');
      assert.ok(trusted.authorized);
      assert.equal(trusted.getProtocol(), 'TLSv1.3');
      const stranger = createAuthority('Claviger Ünïcode', now).certificate;
      await assert.rejects(once(connect({ host, port, ca: stranger }), 'secureConnect'), {
        code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      });
      const misnamed = connect({ host, port, ca: authority.certificate, servername: 'other.example' });
      await assert.rejects(once(misnamed, 'secureConnect'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    } finally {
      server.close();
    }
  });
}

/** Runs where the tool is there, and skips loudly where it isn't. */
async function unlessAbsent(t: { skip(why: string): void }, tool: string, args: readonly string[]): Promise<string> {
  try {
    return (await run(tool, args)).stdout;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    t.skip(`skipped: ${tool} is not installed`);
    return '';
  }
}

test('openssl verify accepts the chain strictly, for names and addresses', async (t) => {
  for (const check of [
    ['-verify_hostname', 'localhost'],
    ['-verify_ip', '127.0.0.1'],
    ['-verify_ip', '::1'],
  ]) {
    const args = [
      'verify',
      '-x509_strict',
      '-purpose',
      'sslserver',
      ...check,
      '-CAfile',
      join(folder, 'ca.pem'),
      join(folder, 'leaf.pem'),
    ];
    const out = await unlessAbsent(t, 'openssl', args);
    assert.ok(out === '' || out.includes('OK'), out);
  }
});

const python = `
import ssl, sys
folder = sys.argv[1]
def context(cafile):
    c = ssl.create_default_context(cafile=cafile)
    c.verify_flags |= ssl.VERIFY_X509_STRICT
    return c
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(folder + '/leaf.pem', folder + '/leaf.key')
for host in ['localhost', '127.0.0.1', '::1', 'wrong.example']:
    a_in, a_out, b_in, b_out = (ssl.MemoryBIO() for _ in range(4))
    client = context(folder + '/ca.pem').wrap_bio(a_in, a_out, server_hostname=host)
    peer = server.wrap_bio(b_in, b_out, server_side=True)
    verdict = 'ok'
    for _ in range(4):
        for side in (client, peer):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError:
                verdict = 'refused'
            except ssl.SSLError:
                pass
            if a_out.pending: b_in.write(a_out.read())
            if b_out.pending: a_in.write(b_out.read())
    print(host, verdict if verdict == 'refused' else client.version())
`;

test('Python’s ssl accepts it strictly, and refuses another name', async (t) => {
  const out = await unlessAbsent(t, 'python3', ['-c', python, folder]);
  if (out === '') return;
  assert.deepEqual(out.trim().split('\n'), [
    'localhost TLSv1.3',
    '127.0.0.1 TLSv1.3',
    '::1 TLSv1.3',
    'wrong.example refused',
  ]);
});

test('addresses are read in every form of RFC 4291 and no other', () => {
  const read = (text: string) => {
    const bytes = ipAddress(text);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
  };
  for (const [text, hex] of [
    ['0.0.0.0', '00000000'],
    ['255.1.20.3', 'ff011403'],
    ['::', '00'.repeat(16)],
    ['::1', `${'00'.repeat(15)}01`],
    ['1::', `0001${'00'.repeat(14)}`],
    ['2001:DB8::8:800:200c:417a', '20010db80000000000080800200c417a'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['::ffff:129.144.52.38', '00000000000000000000ffff81903426'],
    ['1:2:3:4:5:6:1.2.3.4', '00010002000300040005000601020304'],
  ] as const) {
    assert.equal(read(text), hex, text);
  }
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4.5',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '::1%eth0',
    ':1',
    '1:',
    '1.2.3.4::',
    '::1.2.3',
    '1:2:3:4:5:6:7::8',
  ]) {
    assert.equal(read(text), undefined, text);
  }
});

test('refuses hosts that are neither a name nor an address, and authorities that are none', () => {
  for (const host of [
    '',
    'a b',
    'a..b',
    '-a',
    'a-',
    'a.',
    '*',
    '*.*.a',
    'a.*.b',
    '1.2.3.256',
    '12',
    'a.9',
    'a/b',
    'x'.repeat(64),
    '::g',
    'ä.example',
    'a\0.b',
  ]) {
    assert.throws(
      () => issueServerCertificate(authority, { hosts: [host], now, days: 1 }),
      { code: 'invalid-parameter' },
      host,
    );
  }
  assert.throws(() => issueServerCertificate(authority, { hosts: [], now, days: 1 }), { code: 'invalid-parameter' });
  for (const name of ['', 'x'.repeat(65)])
    assert.throws(() => createAuthority(name, now), { code: 'invalid-parameter' });
  for (const wrong of [issued, { ...authority, key: issued.key }, { certificate: 'no', key: authority.key }]) {
    assert.throws(() => issueServerCertificate(wrong, { hosts, now, days: 1 }), { code: 'internal' });
  }
});
