// Performs calls with the AWS SDK for JavaScript, configured by the environment alone. One call a line, one answer a line.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import * as kms from '@aws-sdk/client-kms';
import * as secretsmanager from '@aws-sdk/client-secrets-manager';
import * as sts from '@aws-sdk/client-sts';

// The SDK brings the handler as a dependency of its own.
const { NodeHttp2Handler } = createRequire(import.meta.resolve('@aws-sdk/client-kms'))('@smithy/node-http-handler');

const carrier = () => (process.argv.includes('--http2') ? { requestHandler: new NodeHttp2Handler() } : {});
const doors = {
  kms: [kms, kms.KMSClient, carrier],
  secretsmanager: [secretsmanager, secretsmanager.SecretsManagerClient, carrier],
  sts: [sts, sts.STSClient, () => ({})],
};
const clients = new Map();

/** Of a region, where one is named; else of the environment's. */
function clientOf(service, region) {
  const name = `${service} ${region}`;
  const [, Client, carried] = doors[service];
  if (!clients.has(name)) clients.set(name, new Client({ ...carried(), ...(region && { region }) }));
  return clients.get(name);
}

const isBytes = (value) => value instanceof Uint8Array;
const told = (value) => {
  if (isBytes(value)) return { $bytes: Buffer.from(value).toString('base64') };
  if (value instanceof Date || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(told);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, told(inner)]));
};
const asked = (_, value) =>
  typeof value?.$bytes === 'string' ? Uint8Array.from(Buffer.from(value.$bytes, 'base64')) : value;

for await (const line of createInterface({ input: process.stdin })) {
  const { service, operation, input, knows, region } = JSON.parse(line, asked);
  const { [`${operation}Command`]: Command } = doors[service][0];
  let answer;
  if (Command === undefined || knows) {
    process.stdout.write(`${JSON.stringify({ unknown: Command === undefined })}\n`);
    continue;
  }
  try {
    const { $metadata, ...output } = await clientOf(service, region).send(new Command(input));
    answer = { output: told(output) };
  } catch (error) {
    answer = { error: error.name, message: error.message, isOfTheModel: error.constructor.name === error.name };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
for (const client of clients.values()) client.destroy();
