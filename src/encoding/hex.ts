import { view } from './base64.ts';

/** Lower or upper case, whole bytes; undefined when it isn't that. */
export function fromHex(text: string): Uint8Array | undefined {
  return text.length % 2 === 0 && /^[0-9a-f]*$/i.test(text) ? Buffer.from(text, 'hex') : undefined;
}

/** Lower case. */
export function toHex(bytes: Uint8Array): string {
  return view(bytes).toString('hex');
}
