/** The door of pure formats: bytes to values and back, total, no input is a crash. */
export * from './base64.ts';
export * from './bech32m.ts';
export * from './der.ts';
export * from './hex.ts';
export * from './json.ts';
export * from './pem.ts';
export * from './utf8.ts';
