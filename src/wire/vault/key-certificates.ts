import { type Command, type KeyVersion, KmsError, type Result } from '#domain/domain.ts';
import { everyFromPem, fromPem, toPem } from '#encoding/encoding.ts';
import { integer, text } from './fields.ts';
import { keyRef, shownName, wordsOf } from './names.ts';
import { type Input, type Row, row, small } from './row.ts';

const most = 10;

function versionOf({ body }: Input): { readonly version?: number } {
  const version = integer(body, 'version');
  return version === undefined ? {} : { version };
}

function decodeCsr(input: Input): Command<'request-certificate'> {
  const pem = text(input.body, 'csr');
  const command = { kind: 'request-certificate', key: keyRef(input.path.name), ...versionOf(input) } as const;
  if (pem === undefined) return command;
  const template = fromPem('CERTIFICATE REQUEST', pem) ?? fromPem('NEW CERTIFICATE REQUEST', pem);
  if (template === undefined) throw new KmsError('malformed', 'could not decode PEM CSR');
  return { ...command, template };
}

function encodeCsr({ key, request }: Result<'request-certificate'>, input: Input): string {
  const csr = toPem('CERTIFICATE REQUEST', request);
  return JSON.stringify({ csr, name: shownName(input), type: wordsOf(key.spec).type });
}

function decodeSetCertificate(input: Input): Command<'set-certificates'> {
  const pem = text(input.body, 'certificate_chain') ?? '';
  const certificates = everyFromPem('CERTIFICATE', pem);
  if (certificates === undefined) {
    throw new KmsError('malformed', 'provided certificate chain did not contain any valid PEM encoded certificate');
  }
  if (certificates.length > most) {
    throw new KmsError('too-large', `A certificate chain has at most ${most} certificates.`);
  }
  return { kind: 'set-certificates', key: keyRef(input.path.name), ...versionOf(input), certificates };
}

function encodeSetCertificate({ key }: Result<'set-certificates'>, input: Input): string {
  const chain = text(input.body, 'certificate_chain');
  return JSON.stringify({ certificate_chain: chain, name: shownName(input), type: wordsOf(key.spec).type });
}

/** '' where there is none. */
export function chainText({ certificates = [] }: KeyVersion): string {
  return certificates
    .map((der) => toPem('CERTIFICATE', der))
    .join('')
    .trimEnd();
}

export const keyCertificateOperations: readonly Row[] = [
  row({
    operation: 'transit/keys/csr',
    method: 'POST',
    paths: ['transit/keys/:name/csr'],
    action: 'request-certificate',
    maxBody: small,
    decode: decodeCsr,
    encode: encodeCsr,
  }),
  row({
    operation: 'transit/keys/set-certificate',
    method: 'POST',
    paths: ['transit/keys/:name/set-certificate'],
    action: 'set-certificates',
    maxBody: small,
    decode: decodeSetCertificate,
    encode: encodeSetCertificate,
  }),
];
