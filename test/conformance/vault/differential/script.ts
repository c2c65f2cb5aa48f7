import type { Scenario } from './call.ts';
import { approles, policies, system, tokens } from './scenario-access.ts';
import { batches, dataKeys, encryption } from './scenario-ciphers.ts';
import { configuration, lives } from './scenario-keys.ts';
import { authMounts, jwts, operators, tokenRoles, trusted } from './scenario-logins.ts';
import { material } from './scenario-material.ts';
import { mounts } from './scenario-mounts.ts';
import { plainSecrets, secrets } from './scenario-secrets.ts';
import { digests, signatures } from './scenario-signatures.ts';

/** Each is played on a server of its own, from its first call to its last. */
export const script: readonly Scenario[] = [
  lives,
  configuration,
  encryption,
  batches,
  dataKeys,
  signatures,
  digests,
  material,
  tokens,
  policies,
  approles,
  system,
  secrets,
  plainSecrets,
  mounts,
  authMounts,
  jwts,
  trusted,
  tokenRoles,
  operators,
];
