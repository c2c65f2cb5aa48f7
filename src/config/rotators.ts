import { isAbsolute } from 'node:path';

/**
 * What the operator allows to be called when a secret is rotated: DATA/rotators.json. No API adds to it, since who may rotate a secret
 * must not thereby choose what the server runs.
 *
 *   { "NAME": { "webhook": "https://...", "keyFile": "/path", "caFile": "/path" },
 *     "OTHER": { "command": ["/path/to/program", "argument"], "env": { "NAME": "value" } } }
 */
export type RotatorSetting =
  | {
      readonly kind: 'webhook';
      readonly url: string;
      /** Holds the key that the bodies are signed with. */
      readonly keyFile: string;
      /** PEM certificates that the receiver's must come from; absent: the well-known ones. */
      readonly caFile?: string;
    }
  | {
      readonly kind: 'command';
      readonly argv: readonly string[];
      /** All of the program's environment. */
      readonly env: Readonly<Record<string, string>>;
    };

/** Undefined, with what is wrong, where the file isn't understood in full. */
export function parseRotators(text: string): ReadonlyMap<string, RotatorSetting> | string {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    return 'it is not JSON';
  }
  if (!isObject(file)) return 'it is not a JSON object';
  const found = new Map<string, RotatorSetting>();
  for (const [name, value] of Object.entries(file)) {
    const setting = isObject(value) ? settingOf(value) : undefined;
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) return `"${name}" can't be the name of a rotator`;
    if (setting === undefined) {
      return `"${name}" needs either webhook (https) and keyFile, or command, with an absolute path in front`;
    }
    found.set(name, setting);
  }
  return found;
}

function settingOf({ webhook, keyFile, caFile, command, env = {}, ...more }: Fields): RotatorSetting | undefined {
  if (Object.keys(more).length > 0) return undefined;
  if (webhook !== undefined) {
    if (command !== undefined || !isText(webhook) || !isText(keyFile) || !isSafe(webhook)) return undefined;
    if (caFile !== undefined && !isText(caFile)) return undefined;
    return { kind: 'webhook', url: webhook, keyFile, ...(caFile !== undefined && { caFile }) };
  }
  if (keyFile !== undefined || caFile !== undefined || !Array.isArray(command) || command.length === 0)
    return undefined;
  if (!command.every(isText) || !isAbsolute(command[0]!)) return undefined;
  if (!isObject(env) || !Object.values(env).every((value) => typeof value === 'string')) return undefined;
  return { kind: 'command', argv: command, env: env as Record<string, string> };
}

/** TLS, or a receiver on this very machine. */
function isSafe(url: string): boolean {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || parsed.username !== '' || parsed.password !== '') return false;
  return (
    parsed.protocol === 'https:' || (parsed.protocol === 'http:' && /^(127\.0\.0\.1|\[::1\])$/.test(parsed.hostname))
  );
}

type Fields = { readonly [name: string]: unknown };

const isObject = (value: unknown): value is Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
