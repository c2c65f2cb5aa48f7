/** Certificates and revocation lists made by OpenSSL's own command, so that what reads them was not written by who made them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const noOpenSsl: string | false =
  spawnSync('openssl', ['version']).error === undefined ? false : 'skipped: there is no openssl command';

export interface Made {
  /** PEM, each of them. */
  readonly certificate: string;
  readonly key: string;
  readonly files: { readonly certificate: string; readonly key: string };
}

interface Wanted {
  readonly subject?: string;
  /** Default: signed by itself. */
  readonly by?: Made;
  /** Lines of an OpenSSL configuration. */
  readonly extensions?: readonly string[];
  /** How long it is good from now on; may be negative. */
  readonly days?: number;
  /** Arguments of `openssl req` and, for the digest, `openssl x509`. */
  readonly key?: readonly string[];
  readonly digest?: string;
}

export const authorityExtensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
export const clientExtensions = [
  'basicConstraints=critical,CA:FALSE',
  'keyUsage=critical,digitalSignature',
  'extendedKeyUsage=clientAuth',
];

const p256 = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

/** A folder of them. */
export class OpenSslCertificates {
  readonly folder = mkdtempSync(join(tmpdir(), 'claviger-certificates-'));
  #count = 0;

  make({ subject = '/CN=somebody', by, extensions = [], days = 30, key = p256, digest = 'sha256' }: Wanted) {
    const name = join(this.folder, String(++this.#count));
    const files = { certificate: `${name}.pem`, key: `${name}.key` };
    writeFileSync(`${name}.cnf`, `[made]\nsubjectKeyIdentifier=hash\n${extensions.join('\n')}\n`);
    this.#openssl('req', ...key, '-nodes', '-keyout', files.key, '-out', `${name}.csr`, '-subj', subject);
    this.#openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-out', files.certificate, `-${digest}`],
      ...['-days', String(days), '-extfile', `${name}.cnf`, '-extensions', 'made'],
      ...(by === undefined ? ['-signkey', files.key] : ['-CA', by.files.certificate, '-CAkey', by.files.key]),
    );
    const [certificate, secret] = [files.certificate, files.key].map((path) => readFileSync(path, 'utf8'));
    return { certificate: certificate!, key: secret!, files } satisfies Made;
  }

  authority(subject = '/CN=authority', more: Wanted = {}): Made {
    return this.make({ subject, extensions: authorityExtensions, ...more });
  }

  /** Another certificate for the key of an authority. */
  certify({ files }: Made, by: Made, extension: string): Made {
    const name = join(this.folder, String(++this.#count));
    writeFileSync(`${name}.cnf`, `[made]\n${[...authorityExtensions, extension].join('\n')}\n`);
    const signer = ['-CA', by.files.certificate, '-CAkey', by.files.key, '-days', '30'];
    this.#openssl('x509', '-x509toreq', '-in', files.certificate, '-signkey', files.key, '-out', `${name}.csr`);
    this.#openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...signer],
      ...['-extfile', `${name}.cnf`, '-extensions', 'made'],
    );
    const certificate = readFileSync(`${name}.pem`, 'utf8');
    return { certificate, key: '', files: { certificate: `${name}.pem`, key: files.key } };
  }

  client(by: Made, subject = '/CN=client', more: readonly string[] = []): Made {
    return this.make({ subject, by, extensions: [...clientExtensions, ...more] });
  }

  /** PEM. What `by` takes back. */
  revoked(by: Made, taken: readonly Made[]): string {
    const name = join(this.folder, `list-${++this.#count}`);
    const lines = [
      '[ca]',
      'default_ca=own',
      '[own]',
      `database=${name}.txt`,
      'default_md=sha256',
      'default_crl_days=30',
    ];
    writeFileSync(`${name}.cnf`, `${lines.join('\n')}\n`);
    writeFileSync(`${name}.txt`, '');
    const signer = ['-config', `${name}.cnf`, '-cert', by.files.certificate, '-keyfile', by.files.key];
    for (const { files } of taken) this.#openssl('ca', ...signer, '-revoke', files.certificate);
    this.#openssl('ca', ...signer, '-gencrl', '-out', `${name}.pem`);
    return readFileSync(`${name}.pem`, 'utf8');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}
