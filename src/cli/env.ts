import { resolve } from 'node:path';
import { type IdentityFile, readServerFile, type ServerFile } from '#config/config.ts';
import { type Call, type Command, present, UsageError } from './command.ts';
import { savedIdentity } from './connect.ts';

/** Would take precedence over what is set, or be sent along with it. */
const inTheWay = ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_SESSION_TOKEN', 'VAULT_NAMESPACE'];

export const envCommand: Command = {
  name: 'env',
  summary: 'Print the variables that the official clients read: eval "$(claviger env)"',
  options: { format: { type: 'string', value: 'shell|json', help: 'how to print them (default shell)' } },
  more: [
    'Sets AWS_* for clients of AWS KMS, Secrets Manager and STS, VAULT_* for Vault clients, CLAVIGER_* for claviger itself, and REQUESTS_CA_BUNDLE and',
    'NODE_EXTRA_CA_CERTS so that Python and Node programs trust the server. REQUESTS_CA_BUNDLE replaces the other authorities',
    'for Python programs in that shell. SSL_CERT_FILE is left alone: it would do so for nearly every program.',
  ],
  async run(call: Call) {
    const format = call.text('format') ?? (call.out.json ? 'json' : 'shell');
    if (format !== 'shell' && format !== 'json') throw new UsageError('--format is shell or json.');
    const server = readServerFile(call.dataDir);
    const identity = savedIdentity(call.dataDir, server.mode, call.text('identity'));
    const region = call.text('region') ?? server.region;
    const variables = clientVariables({ ...server, region }, identity);
    if (format === 'json') {
      call.out.line(JSON.stringify(variables, undefined, 2));
      return;
    }
    call.out.line(`unset ${inTheWay.join(' ')}`);
    for (const [name, value] of Object.entries(variables)) call.out.line(`export ${name}=${shellQuoted(value)}`);
  },
};

function clientVariables(server: ServerFile, identity: IdentityFile): Readonly<Record<string, string>> {
  const caFile = server.caFile === undefined ? undefined : resolve(server.caFile);
  return present({
    AWS_ENDPOINT_URL_KMS: server.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: server.url,
    AWS_ENDPOINT_URL_STS: server.url,
    AWS_ACCESS_KEY_ID: identity.accessKeyId,
    AWS_SECRET_ACCESS_KEY: identity.secretAccessKey,
    AWS_REGION: server.region,
    AWS_DEFAULT_REGION: server.region,
    AWS_CA_BUNDLE: caFile,
    NODE_EXTRA_CA_CERTS: caFile,
    REQUESTS_CA_BUNDLE: caFile,
    VAULT_ADDR: server.url,
    VAULT_TOKEN: identity.token,
    VAULT_CACERT: caFile,
    CLAVIGER_ADDR: server.url,
    CLAVIGER_TOKEN: identity.token,
    CLAVIGER_CACERT: caFile,
  }) as Readonly<Record<string, string>>;
}

/** One word to any POSIX shell, whatever is in it. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
