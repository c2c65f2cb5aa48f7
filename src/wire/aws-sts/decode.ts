import { type Commands, KmsError, type Proof } from '#domain/domain.ts';
import { invalid, missing } from '../common/aws-errors.ts';
import type { Form } from './form.ts';

/** What the service model says of a member's text. */
interface Shape {
  readonly min: number;
  readonly max: number;
  readonly form?: RegExp;
}

const roleArnShape: Shape = { min: 20, max: 2048 };
const sessionNameShape: Shape = { min: 2, max: 64, form: /^[\w+=,.@-]*$/ };
const externalIdShape: Shape = { min: 2, max: 1224, form: /^[\w+=,.@:/-]*$/ };
const tokenShape: Shape = { min: 4, max: 20_000 };

function optional(form: Form, name: string, { min, max, form: pattern }: Shape): string | undefined {
  const value = form.get(name);
  if (value === undefined) return undefined;
  if (value.length < min) throw invalid(name, `Member must have length greater than or equal to ${min}`);
  if (value.length > max) throw invalid(name, `Member must have length less than or equal to ${max}`);
  if (pattern?.test(value) === false)
    throw invalid(name, `Member must satisfy regular expression pattern: ${pattern.source.slice(1, -1)}`);
  return value;
}

function required(form: Form, name: string, shape: Shape): string {
  const value = optional(form, name, shape);
  if (value === undefined) throw missing(name);
  return value;
}

/** `DurationSeconds` as milliseconds. */
function duration(form: Form, most: number): { readonly duration?: number } {
  const text = form.get('DurationSeconds');
  if (text === undefined) return {};
  if (!/^[0-9]{1,9}$/.test(text)) throw new KmsError('malformed', 'DurationSeconds must be a whole number.');
  const seconds = Number(text);
  if (seconds < 900) throw invalid('DurationSeconds', 'Member must have value greater than or equal to 900');
  if (seconds > most) throw invalid('DurationSeconds', `Member must have value less than or equal to ${most}`);
  return { duration: seconds * 1000 };
}

/** Roles have no paths here. */
function roleOf(form: Form): { readonly realm: string; readonly role: string } {
  const arn = required(form, 'RoleArn', roleArnShape);
  const [, realm, role] = /^arn:aws[a-z-]{0,16}:iam::([0-9]{12}):role\/([^\s]+)$/.exec(arn) ?? [];
  if (realm === undefined || role === undefined) throw new KmsError('invalid-parameter', 'The role ARN is invalid.');
  return { realm, role };
}

export function assumeRole(form: Form): Commands['assume-role'] {
  const externalId = optional(form, 'ExternalId', externalIdShape);
  return {
    ...roleOf(form),
    sessionName: required(form, 'RoleSessionName', sessionNameShape),
    ...duration(form, 43_200),
    ...(externalId === undefined ? {} : { externalId }),
  };
}

/** The role's realm is the proof's. */
export function assumeRoleWithWebIdentity(form: Form): Commands['assume-role-with-web-identity'] {
  const { role } = roleOf(form);
  return { role, sessionName: required(form, 'RoleSessionName', sessionNameShape), ...duration(form, 43_200) };
}

export function webIdentityProof(form: Form): Proof {
  return { kind: 'web-identity', realm: roleOf(form).realm, token: required(form, 'WebIdentityToken', tokenShape) };
}

export function sessionToken(form: Form): Commands['create-session'] {
  return duration(form, 129_600);
}

export const nothing = (): Record<never, never> => ({});
