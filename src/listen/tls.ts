import type { TlsOptions } from 'node:tls';
import type { Limits } from './limits.ts';

export interface Identity {
  /** PEM: the server's certificate, and what stands between it and the root. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
}

/** Authenticated encryption with forward secrecy only (RFC 9325 section 4.2); the first three are TLS 1.3's. */
const ciphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
];

export function tlsOptions(identity: Identity, limits: Limits): TlsOptions {
  return {
    cert: identity.certificate,
    key: identity.key,
    minVersion: 'TLSv1.2',
    ciphers: ciphers.join(':'),
    honorCipherOrder: true,
    // OpenSSL's own list begins with the hybrid X25519MLKEM768, so what is recorded today stays closed to tomorrow's machines.
    ecdhCurve: 'auto',
    ALPNProtocols: ['h2', 'http/1.1'],
    // Asked of everybody, demanded of nobody, and believed by who knows whom to believe: the doors. No authority is named, so that
    // clients send what they have.
    requestCert: true,
    rejectUnauthorized: false,
    ca: [],
    handshakeTimeout: limits.handshakeMs,
  };
}
