import { KmsError } from '#domain/domain.ts';

/** What a setting looks like, and how that is said. */
export interface Form {
  readonly form: RegExp;
  readonly words: string;
}

/**
 * Settings of text, as they are given or lie in the seal file. Throws 'invalid-parameter', which names the member that is unknown, wrong or
 * missing.
 */
export function readSettings<Name extends string, Needed extends Name>(
  kind: string,
  given: Readonly<Record<string, unknown>>,
  forms: Readonly<Record<Name, Form>>,
  needed: readonly Needed[],
): { readonly [N in Needed]: string } & { readonly [N in Exclude<Name, Needed>]?: string } {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(forms, name)) {
      throw new KmsError('invalid-parameter', `A seal of kind ${kind} has no setting "${name}".`);
    }
    const { form, words } = forms[name as Name];
    if (typeof value !== 'string' || !form.test(value)) {
      throw new KmsError('invalid-parameter', `"${name}" is ${words}.`);
    }
  }
  const missing = needed.find((name) => !Object.hasOwn(given, name));
  if (missing !== undefined) {
    throw new KmsError('invalid-parameter', `A seal of kind ${kind} needs "${missing}": ${forms[missing].words}.`);
  }
  return { ...given } as ReturnType<typeof readSettings<Name, Needed>>;
}

/** Settings that a seal has got when it was made. Throws 'tampered' where one is missing. */
export function assertPinned<S extends object, Name extends keyof S & string>(
  settings: S,
  names: readonly Name[],
): asserts settings is S & { readonly [N in Name]-?: NonNullable<S[N]> } {
  const missing = names.find((name) => settings[name] === undefined);
  if (missing !== undefined) throw new KmsError('tampered', `Its settings hold no "${missing}": it was never made.`);
}

/** Secrets go to services over TLS, or stay on this machine. */
export const serviceUrl: Form = {
  form: /^(?:https:\/\/[A-Za-z0-9._-]+|https?:\/\/(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]))(?::\d{1,5})?\/?$/,
  words: 'an https URL without a path, or an http URL on this machine',
};
export const absolutePath: Form = { form: /^\/[^\0]{1,4094}$/, words: 'the absolute path of a file' };
export const binding: Form = { form: /^[0-9a-f]{32}$/, words: '32 hexadecimal digits, made by the server' };
export const check: Form = { form: /^[A-Za-z0-9+/]{1,8192}={0,2}$/, words: 'base64, made by the server' };
