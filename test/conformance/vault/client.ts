import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import nodeVault from 'node-vault';

/** An unmodified node-vault, told what `claviger env` says. */
export function clientFrom(env: Record<string, string>, token = env.VAULT_TOKEN): nodeVault.client {
  const ca = env.VAULT_CACERT === undefined ? {} : { requestOptions: { ca: readFileSync(env.VAULT_CACERT) } };
  return nodeVault({ endpoint: env.VAULT_ADDR!, token: token!, ...ca });
}

export const b64 = (data: string | Uint8Array) => Buffer.from(data).toString('base64');

export interface BatchResult {
  readonly plaintext: string;
  readonly error?: string;
}

interface Refusal extends Error {
  readonly response?: {
    readonly statusCode: number;
    readonly body: {
      readonly errors?: readonly string[];
      readonly data?: { readonly batch_results?: readonly BatchResult[] };
    };
  };
}

/** What a batch that failed in part was answered with status 400. */
export async function failedBatch(asking: Promise<unknown>): Promise<readonly BatchResult[]> {
  const error: Refusal = await asking.then(
    () => assert.fail('the batch did not fail'),
    (refusal: Refusal) => refusal,
  );
  assert.equal(error.response?.statusCode, 400, error.message);
  return error.response.body.data?.batch_results ?? assert.fail('no results');
}

/** The refusal's status is `status` and its text matches. */
export async function refused(asking: Promise<unknown>, status: number, text: RegExp): Promise<void> {
  await assert.rejects(asking, (error: Refusal) => {
    assert.equal(error.response?.statusCode, status, error.message);
    assert.match(error.response.body.errors?.join('\n') ?? '', text);
    return true;
  });
}
