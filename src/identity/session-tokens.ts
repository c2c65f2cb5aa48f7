import { equalSecrets, hmac } from '#crypto/crypto.ts';
import type { SecretBytes } from '#domain/domain.ts';
import { toBase64Url, toUtf8 } from '#encoding/encoding.ts';
import { isSessionKeyId } from './credential-id.ts';
import { Recent } from './recent.ts';
import type { SignedRequest } from './signed-request.ts';

/** The token that belongs to a session's access key. Like the secret it follows from the room's key, so nothing of it is stored. */
export function sessionToken(root: SecretBytes, accessKeyId: string): Uint8Array {
  return toUtf8(`clvs.${toBase64Url(hmac('sha256', root, `session:${accessKeyId}`))}`);
}

/** Session tokens by access key id, of those that have brought one. */
export class SessionTokens {
  readonly #root: SecretBytes;
  readonly #known = new Recent<Uint8Array>(2048);

  constructor(root: SecretBytes) {
    this.#root = root;
  }

  /** Whether the request brings its session's token; one that isn't signed by a session must bring none. Constant time. */
  accompany({ accessKeyId, sessionToken: given }: SignedRequest): boolean {
    if (!isSessionKeyId(accessKeyId)) return given === undefined;
    const known = this.#known.get(accessKeyId);
    const right = known ?? sessionToken(this.#root, accessKeyId);
    if (given === undefined || !equalSecrets(toUtf8(given), right)) return false;
    if (known === undefined) this.#known.set(accessKeyId, right);
    return true;
  }
}
