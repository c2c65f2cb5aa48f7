import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { fromPem, toHex } from '#encoding/encoding.ts';
import { Authorities, type CertificateFault, PresentedCertificate, TrustedCertificate } from './client-certificate.ts';
import { readRevocationList } from './revocation-list.ts';
import {
  authorityExtensions,
  clientExtensions,
  type Made,
  noOpenSsl,
  OpenSslCertificates,
} from './testing/openssl-certificates.ts';

const day = 24 * 3600 * 1000;
const derOf = ({ certificate }: Made): Uint8Array => fromPem('CERTIFICATE', certificate)!;

function trusted(...made: readonly Made[]) {
  return made.map((one) => {
    const read = TrustedCertificate.read(derOf(one));
    if (typeof read === 'string') throw new Error(read);
    return read;
  });
}

/** How many certificates the chain has, or why there is none. */
function verdict(presented: readonly Made[], anchors: readonly Made[], now = Date.now()): number | CertificateFault {
  const read = PresentedCertificate.read(presented.map(derOf), now);
  if (typeof read === 'string') return read;
  const [first, ...more] = trusted(...anchors);
  if (first !== undefined && more.length === 0 && !first.isAuthority)
    return read.is(first) ? read.alone.length : 'untrusted';
  const chains = read.chainsTo(new Authorities(trusted(...anchors)));
  return typeof chains === 'string' ? chains : chains[0]!.length;
}

describe('a client certificate', { skip: noOpenSsl }, () => {
  const made = new OpenSslCertificates();
  after(() => made.remove());
  const root = noOpenSsl ? undefined! : made.authority('/CN=root');
  const client = noOpenSsl ? undefined! : made.client(root, '/O=Acme/OU=Ops/OU=Night/CN=app');

  it('holds where its authority is trusted, and where it is trusted itself', () => {
    assert.equal(verdict([client], [root]), 2);
    assert.equal(verdict([client], [client]), 1);
    const self = made.make({ subject: '/CN=self', extensions: clientExtensions });
    assert.equal(verdict([self], [self]), 1);
    assert.equal(verdict([self], [root]), 'untrusted');
  });

  it('needs the certificates in between, in whatever order, and only them', () => {
    const upper = made.authority('/CN=upper', { by: root });
    const lower = made.authority('/CN=lower', { by: upper });
    const leaf = made.client(lower);
    assert.equal(verdict([leaf, lower, upper], [root]), 4);
    assert.equal(verdict([leaf, upper, lower, client], [root]), 4);
    assert.equal(verdict([leaf, lower, upper, root], [root]), 4);
    assert.equal(verdict([leaf, lower], [root]), 'untrusted');
    assert.equal(verdict([leaf], [lower]), 2);
    assert.equal(verdict([leaf, lower, upper], [upper, root]), 3);
  });

  it('is not taken from another authority of the same name', () => {
    const twin = made.authority('/CN=root', { extensions: authorityExtensions });
    assert.equal(verdict([made.client(twin)], [root]), 'untrusted');
    assert.equal(verdict([client, root], [twin]), 'untrusted');
  });

  it('is not taken from a client that plays the authority', () => {
    assert.equal(verdict([made.client(client), client], [root]), 'untrusted');
    const keyless = made.authority('/CN=no signing', {
      by: root,
      extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,cRLSign'],
    });
    assert.equal(verdict([made.client(keyless), keyless], [root]), 'untrusted');
  });

  it('keeps to the length of path that an authority allows', () => {
    const short = made.authority('/CN=short', {
      extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign'],
    });
    const below = made.authority('/CN=below', { by: short });
    assert.equal(verdict([made.client(short)], [short]), 2);
    assert.equal(verdict([made.client(below), below], [short]), 'untrusted');
  });

  it('has its time, and so have those above it', () => {
    assert.equal(verdict([client], [root], Date.now() + 31 * day), 'expired');
    assert.equal(verdict([client], [root], Date.now() - day), 'not-yet-valid');
    assert.equal(verdict([client], [client], Date.now() + 31 * day), 'expired');
    const brief = made.authority('/CN=brief', { days: 2 });
    const outliving = made.client(brief);
    assert.equal(verdict([outliving], [brief]), 2);
    assert.equal(verdict([outliving], [brief], Date.now() + 3 * day), 'expired');
  });

  it('is no authority’s', () => {
    assert.equal(verdict([root], [root]), 'authority');
    assert.equal(verdict([made.authority('/CN=lower', { by: root })], [root]), 'authority');
  });

  it('is for a TLS client, where it or its authority says what it is for', () => {
    const withUsage = (...extensions: readonly string[]) => made.make({ by: root, extensions });
    assert.equal(verdict([withUsage('extendedKeyUsage=serverAuth')], [root]), 'usage');
    assert.equal(verdict([withUsage('keyUsage=critical,keyAgreement')], [root]), 'usage');
    assert.equal(verdict([withUsage('extendedKeyUsage=serverAuth,clientAuth')], [root]), 2);
    assert.equal(verdict([withUsage('extendedKeyUsage=anyExtendedKeyUsage')], [root]), 2);
    assert.equal(verdict([withUsage()], [root]), 2);
    const servers = made.authority('/CN=servers', {
      by: root,
      extensions: [...authorityExtensions, 'extendedKeyUsage=serverAuth'],
    });
    assert.equal(verdict([made.client(servers), servers], [root]), 'usage');
    assert.equal(TrustedCertificate.read(derOf(withUsage('extendedKeyUsage=serverAuth'))), 'usage');
  });

  it('is refused where something of the chain is not understood', () => {
    const odd = made.client(root, '/CN=odd', ['1.2.3.4=critical,ASN1:UTF8String:x']);
    assert.equal(verdict([odd], [root]), 'not-understood');
    const narrowed = made.authority('/CN=narrowed', {
      by: root,
      extensions: [...authorityExtensions, 'nameConstraints=permitted;DNS:example.com'],
    });
    assert.equal(verdict([made.client(narrowed), narrowed], [root]), 'not-understood');
  });

  it('has a key and signatures that nobody can imitate', () => {
    const weak = made.make({ by: root, extensions: clientExtensions, key: ['-newkey', 'rsa:1024'] });
    assert.equal(verdict([weak], [root]), 'weak');
    assert.equal(
      verdict([made.make({ by: root, extensions: clientExtensions, key: ['-newkey', 'rsa:2048'] })], [root]),
      2,
    );
    const old = made.make({ by: root, extensions: clientExtensions, digest: 'sha1' });
    assert.equal(verdict([old], [root]), 'untrusted');
    const edwards = made.make({ by: root, extensions: clientExtensions, key: ['-newkey', 'ed25519'] });
    assert.equal(verdict([edwards], [root]), 2);
    assert.equal(TrustedCertificate.read(derOf(made.authority('/CN=weak', { key: ['-newkey', 'rsa:1024'] }))), 'weak');
  });

  it('is refused where a bit of it was changed', () => {
    const der = derOf(client);
    const anchors = new Authorities(trusted(root));
    let refused = 0;
    for (let bit = 0; bit < der.length * 8; bit += 5) {
      const changed = Uint8Array.from(der);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const read = PresentedCertificate.read([changed], Date.now());
      if (typeof read === 'string' || typeof read.chainsTo(anchors) === 'string') refused++;
      else assert.fail(`bit ${bit} may be changed`);
    }
    assert.equal(refused, Math.ceil((der.length * 8) / 5));
  });

  it('is not another one that stands in it as PEM text', () => {
    const text = Buffer.from(`\n${client.certificate}`).toString('hex').match(/../g)!.join(':');
    const self = made.make({ subject: '/CN=eve', extensions: [...clientExtensions, `1.2.3.4=DER:${text}`] });
    const der = derOf(self);
    // What Node reads in those bytes by itself: the reason for this test.
    assert.match(new X509Certificate(der).subject, /CN=app/);
    const read = PresentedCertificate.read([der], Date.now());
    assert.ok(typeof read !== 'string');
    assert.equal(read.client.commonName, 'eve');
    assert.equal(read.chainsTo(new Authorities(trusted(root))), 'untrusted');
    assert.equal(read.is(trusted(client)[0]!), false);
  });

  it('with bytes behind it, or none, is malformed', () => {
    const der = derOf(client);
    assert.equal(PresentedCertificate.read([Buffer.concat([der, Buffer.of(0)])], Date.now()), 'malformed');
    assert.equal(PresentedCertificate.read([new Uint8Array(0)], Date.now()), 'malformed');
    assert.equal(PresentedCertificate.read([], Date.now()), 'absent');
    for (let length = 1; length < der.length; length += 7) {
      assert.equal(PresentedCertificate.read([der.subarray(0, length)], Date.now()), 'malformed');
    }
  });

  it('costs a bounded number of steps, whoever stands above whom', () => {
    const twin = made.authority('/CN=twin');
    // All of one name and one key: each may stand above each.
    const crowd = Array.from({ length: 9 }, (_, i) => made.certify(twin, twin, `1.2.3.${i}=ASN1:UTF8String:x`));
    assert.equal(verdict([made.client(twin), ...crowd, root], [crowd[8]!]), 2);
    const started = performance.now();
    assert.equal(verdict([made.client(twin), ...crowd], [root]), 'untrusted');
    assert.ok(performance.now() - started < 500);
  });

  it('takes an authority that many trust for one', () => {
    const upper = made.authority('/CN=many', {});
    const lower = made.certify(made.authority('/CN=many', {}), upper, '1.2.3.4=ASN1:UTF8String:x');
    const leaf = made.client(lower);
    const read = PresentedCertificate.read([leaf, lower].map(derOf), Date.now());
    assert.ok(typeof read !== 'string');
    // Of the leaf's issuer's name too, so all of them would be tried before the one that the client sent.
    const chains = read.chainsTo(new Authorities(trusted(...Array.from({ length: 100 }, () => upper))));
    assert.ok(typeof chains !== 'string');
    assert.deepEqual(
      chains.map(({ length }) => length),
      [3],
    );
  });

  it('tells its names, its serial number and its extensions', () => {
    const leaf = made.client(root, '/O=Acme/OU=Ops/OU=Night/CN=app', [
      'subjectAltName=DNS:a.example.com,DNS:b.example.com,email:a@example.com,URI:spiffe://x/app,IP:127.0.0.1',
      'authorityKeyIdentifier=keyid',
      '1.2.3.4=ASN1:UTF8String:hello',
      '1.2.3.5=ASN1:INTEGER:5',
    ]);
    const read = PresentedCertificate.read([derOf(leaf)], Date.now());
    assert.ok(typeof read !== 'string');
    const x509 = new X509Certificate(leaf.certificate);
    const { client: shown } = read;
    assert.equal(shown.commonName, 'app');
    assert.deepEqual(shown.organizationalUnits, ['Ops', 'Night']);
    assert.deepEqual(shown.dnsNames, ['a.example.com', 'b.example.com']);
    assert.deepEqual(shown.emails, ['a@example.com']);
    assert.deepEqual(shown.uris, ['spiffe://x/app']);
    assert.equal(shown.serial, BigInt(`0x${x509.serialNumber}`).toString());
    assert.equal(shown.extensions.get('1.2.3.4'), 'hello');
    assert.equal(shown.extensions.get('1.2.3.5'), '');
    assert.equal(toHex(shown.subjectKeyIdentifier).length, 40);
    assert.equal(toHex(shown.authorityKeyIdentifier).length, 40);
  });

  it('is found in the list of what its authority took back', () => {
    const other = made.client(root);
    const list = readRevocationList(fromPem('X509 CRL', made.revoked(root, [client, other]))!);
    const read = PresentedCertificate.read([derOf(client)], Date.now());
    assert.ok(list !== undefined && typeof read !== 'string');
    const chains = read.chainsTo(new Authorities(trusted(root)));
    assert.ok(typeof chains !== 'string');
    const chain = chains[0]!;
    assert.equal(toHex(list.issuer), toHex(chain[0]!.issuer));
    assert.ok(list.serials.includes(chain[0]!.serial));
    assert.equal(list.serials.length, 2);
    const none = readRevocationList(fromPem('X509 CRL', made.revoked(root, []))!);
    assert.deepEqual(none?.serials, []);
    assert.equal(readRevocationList(derOf(client)), undefined);
    const der = fromPem('X509 CRL', made.revoked(root, [client]))!;
    for (let bit = 0; bit < der.length * 8; bit++) {
      const changed = Uint8Array.from(der);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const read = readRevocationList(changed);
      // What can't be read as a whole is not taken for a list of less.
      assert.ok(read === undefined || /^\d+$/.test(read.serials.join()), `bit ${bit}`);
    }
    assert.equal(readRevocationList(new Uint8Array(0)), undefined);
  });
});
