import type { Result } from '#domain/domain.ts';
import { toPem } from '#encoding/encoding.ts';

export function encodeWrappingKey({ publicKey }: Result<'get-wrapping-key'>): string {
  return JSON.stringify({ public_key: toPem('PUBLIC KEY', publicKey) });
}
