import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { clientFrom } from '../conformance/vault/client.ts';
import { KubernetesApi } from '../conformance/vault/kubernetes-api.ts';
import { serverOfThisFile } from '../harness.ts';
import { program, run } from '../programs.ts';

/** The client that HashiCorp publishes for Go, in the program beside this file, which tools/setup builds. */

const client = program('vault-go-client', ['version'], /^github\.com\/hashicorp\/vault\/api (v\S+)/);
const skip = client.missing;

const { server, env } = await serverOfThisFile();
const vault = clientFrom(env);

async function holds(suite: string, atLeast: number, more: Record<string, string> = {}): Promise<void> {
  const lines = (await run(client.path, [suite], { ...env, ...more })).trim().split('\n');
  assert.equal(lines.pop(), 'end');
  for (const line of lines) assert.match(line, /^ok /);
  assert.equal(lines.length, atLeast, lines.join('\n'));
}

for (const [suite, things] of [
  ['system', 7],
  ['tokens', 7],
  ['renewal', 1],
  ['transit', 6],
  ['secrets', 7],
  ['plain-secrets', 1],
  ['wrapping', 4],
  ['logins', 4],
  ['policies', 4],
] as const) {
  test(`a program in Go does with ${suite} what it does with Vault`, { skip }, () => holds(suite, things));
}

test('secrets are read as the External Secrets operator reads them, logged in by AppRole and by service account', {
  skip,
}, async () => {
  const api = await KubernetesApi.start();
  after(() => api.stop());
  await vault.write('sys/auth/cluster', { type: 'kubernetes' });
  await vault.write('auth/cluster/config', {
    ...{ kubernetes_host: api.host(), kubernetes_ca_cert: api.ca, token_reviewer_jwt: api.reviewer },
  });
  await vault.write('auth/cluster/role/operator', {
    ...{ bound_service_account_names: 'app', bound_service_account_namespaces: 'vault', token_ttl: '10m' },
  });
  await vault.write('auth/approle/role/eso', { token_ttl: '10m' });
  for (const name of ['eso', 'operator']) await server.claviger('grant', 'create', name, '--role', 'key-user');
  await holds('external-secrets', 12, { KUBE_JWT: api.token(), KUBE_MOUNT: 'cluster', KUBE_ROLE: 'operator' });
});
