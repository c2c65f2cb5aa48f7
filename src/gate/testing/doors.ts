/** The doors before a house, and one call through each. */
import { digestHex, hmac, randomUuid } from '#crypto/crypto.ts';
import { type CredentialSet, SecretBytes } from '#domain/domain.ts';
import { toUtf8, view } from '#encoding/encoding.ts';
import { awsKmsDoor } from '#wire/aws-kms/aws-kms.ts';
import { awsSecretsManagerDoor } from '#wire/aws-secrets-manager/aws-secrets-manager.ts';
import { awsStsDoor } from '#wire/aws-sts/aws-sts.ts';
import { nativeDoor } from '#wire/native/native.ts';
import { vaultDoor } from '#wire/vault/vault.ts';
import type { Door, Request, Response } from '#wire/wire.ts';
import { type House, textOf } from './house.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The body's JSON; {} where it is none. */
  readonly json: Record<string, never>;
}

export class Doors {
  readonly house: House;
  readonly #doors: readonly Door[];

  constructor(house: House) {
    this.house = house;
    const options = { newRequestId: randomUuid, clock: house.clock, version: '0.0.0', region: 'eu-central-1' };
    this.#doors = [
      vaultDoor(house.gate, options),
      awsKmsDoor(house.gate, options),
      awsSecretsManagerDoor(house.gate, options),
      awsStsDoor(house.gate, options),
      nativeDoor(house.gate, options),
    ];
  }

  async send(request: Omit<Request, 'peer'>): Promise<Answer> {
    const asked = { ...request, peer: '127.0.0.1:7' };
    const route = this.#doors.map((door) => door.match(asked)).find((found) => found !== undefined);
    if (route === undefined) throw new Error(`no door takes ${request.method} ${request.path}`);
    return answerOf(
      asked.body.length > route.maxBody ? await route.refuse(asked, 'too-large') : await route.handle(asked),
    );
  }

  aws(operation: string, body: object, who: CredentialSet = this.house.first, headers: readonly string[] = []) {
    return this.send(signed(who, operation, JSON.stringify(body), this.house.now, headers));
  }

  secretsManager(operation: string, body: object, region = 'eu-central-1'): Promise<Answer> {
    const service = ['secretsmanager', 'secretsmanager'];
    return this.send(signed(this.house.first, operation, JSON.stringify(body), this.house.now, [], region, service));
  }

  vault(
    method: string,
    path: string,
    body?: object,
    token = textOf(this.house.first.token),
    wrapTtl = '',
  ): Promise<Answer> {
    return this.send({
      method,
      path: `/v1/${path}`,
      query: '',
      headers: [
        'x-vault-token',
        token,
        ...(wrapTtl === '' ? [] : ['x-vault-wrap-ttl', wrapTtl]),
        ...(method === 'PATCH' ? ['content-type', 'application/merge-patch+json'] : []),
      ],
      body: body === undefined ? new Uint8Array(0) : toUtf8(JSON.stringify(body)),
    });
  }

  native(method: string, path: string, body?: object, token = textOf(this.house.first.token)): Promise<Answer> {
    return this.send({
      method,
      path: path === '/metrics' ? path : `/claviger/v1${path}`,
      query: '',
      headers: ['authorization', `Bearer ${token}`, 'content-type', 'application/json'],
      body: body === undefined ? new Uint8Array(0) : toUtf8(JSON.stringify(body)),
    });
  }
}

function answerOf({ status, body }: Response): Answer {
  const text = typeof body === 'string' ? body : view(body).toString('utf8');
  let json: unknown = {};
  try {
    json = JSON.parse(text);
  } catch {
    // No JSON: plain text, or nothing.
  }
  return { status, text, json: json as Answer['json'] };
}

/** Signs one request of the AWS KMS door as AWS documents it (Signature Version 4, header form). */
export function signed(
  { accessKeyId, secretAccessKey }: CredentialSet,
  operation: string,
  body: string,
  at: number,
  more: readonly string[] = [],
  region = 'eu-central-1',
  [service, target]: readonly string[] = ['kms', 'TrentService'],
): Omit<Request, 'peer'> {
  const time = new Date(at).toISOString().replace(/[-:]|\.[0-9]{3}/g, '');
  const headers = [
    ...['host', 'localhost', 'content-type', 'application/x-amz-json-1.1', 'x-amz-date', time],
    ...['x-amz-target', `${target}.${operation}`, ...more],
  ];
  const pairs = headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]!] as const] : []));
  pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  const names = pairs.map(([name]) => name).join(';');
  const lines = pairs.map(([name, value]) => `${name}:${value}\n`).join('');
  const canonical = `POST\n/\n\n${lines}\n${names}\n${digestHex('sha256', body)}`;
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  let key: Uint8Array = toUtf8(`AWS4${textOf(secretAccessKey)}`);
  for (const part of scope.split('/')) key = hmac('sha256', new SecretBytes(key), part);
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${digestHex('sha256', canonical)}`;
  const signature = hmac('sha256', new SecretBytes(key), toSign).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  const sent = [...headers, 'authorization', authorization];
  return { method: 'POST', path: '/', query: '', headers: sent, body: toUtf8(body) };
}
