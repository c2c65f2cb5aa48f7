import type { Result } from '#domain/domain.ts';
import { toBase64, toPem } from '#encoding/encoding.ts';

export function encodeWrappingKey({ publicKey }: Result<'get-wrapping-key'>): string {
  return JSON.stringify({ public_key: toPem('PUBLIC KEY', publicKey) });
}

export function encodeBackup({ backup }: Result<'backup-key'>): string {
  return `{"backup":"${toBase64(backup)}"}`;
}
