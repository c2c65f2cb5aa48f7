import { accountOf, type Result, type SessionCredentials } from '#domain/domain.ts';
import { fromUtf8 } from '#encoding/encoding.ts';
import type { StsError } from './errors.ts';

/** An answer before it is XML: text, or elements by their names. */
export type Element = string | { readonly [name: string]: Element };

const namespace = 'https://sts.amazonaws.com/doc/2011-06-15/';

export function answerXml(operation: string, result: Element, requestId: string): string {
  const body = { [`${operation}Result`]: result, ResponseMetadata: { RequestId: requestId } };
  return `<${operation}Response xmlns="${namespace}">${xml(body)}</${operation}Response>`;
}

export function errorXml({ code, status, message }: StsError, requestId: string): string {
  const body = {
    Error: { Type: status < 500 ? 'Sender' : 'Receiver', Code: code, Message: message },
    RequestId: requestId,
  };
  return `<ErrorResponse xmlns="${namespace}">${xml(body)}</ErrorResponse>`;
}

function xml(element: Element): string {
  if (typeof element === 'string') return escaped(element);
  return Object.entries(element)
    .map(([name, content]) => `<${name}>${xml(content)}</${name}>`)
    .join('');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** XML 1.0 section 2.2 has no way to write most control characters. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"]/g, (character) => entities[character]!);
}

/** The only answers that show secrets. */
function credentials(set: SessionCredentials): Element {
  return {
    AccessKeyId: set.accessKeyId,
    SecretAccessKey: fromUtf8(set.secretAccessKey.release())!,
    SessionToken: fromUtf8(set.sessionToken.release())!,
    Expiration: `${new Date(set.expiresAt).toISOString().slice(0, 19)}Z`,
  };
}

type Assumed = Result<'assume-role'>;

export function assumed(result: Assumed): { readonly [name: string]: Element } {
  return { Credentials: credentials(result.credentials), AssumedRoleUser: assumedRoleUser(result) };
}

export function assumedWithWebIdentity(result: Result<'assume-role-with-web-identity'>): Element {
  return {
    ...assumed(result),
    SubjectFromWebIdentityToken: result.subject,
    Provider: result.issuer,
    Audience: result.audience,
  };
}

function assumedRoleUser({ realm, role, roleId, sessionName }: Assumed): Element {
  return { AssumedRoleId: `${roleId}:${sessionName}`, Arn: sessionArn(realm, role, sessionName) };
}

export const session = (result: Result<'create-session'>): Element => ({
  Credentials: credentials(result.credentials),
});

export function callerIdentity({ realm, name, session: taken }: Result<'get-caller-identity'>): Element {
  const account = accountOf(realm);
  if (taken === undefined) return { Arn: `arn:aws:iam::${account}:user/${name}`, UserId: name, Account: account };
  return { Arn: sessionArn(realm, name, taken.name), UserId: `${taken.roleId}:${taken.name}`, Account: account };
}

function sessionArn(realm: string, role: string, name: string): string {
  return `arn:aws:sts::${accountOf(realm)}:assumed-role/${role}/${name}`;
}
