/** The doors before a house, and one call through each. */
import { randomUuid } from '#crypto/crypto.ts';
import type { CredentialSet } from '#domain/domain.ts';
import { toUtf8, view } from '#encoding/encoding.ts';
import { awsKmsDoor } from '#wire/aws-kms/aws-kms.ts';
import { awsSecretsManagerDoor } from '#wire/aws-secrets-manager/aws-secrets-manager.ts';
import { awsStsDoor } from '#wire/aws-sts/aws-sts.ts';
import { nativeDoor } from '#wire/native/native.ts';
import { vaultDoor } from '#wire/vault/vault.ts';
import type { Door, Request, Response } from '#wire/wire.ts';
import { type House, textOf } from './house.ts';
import { type Signer, signedPost } from './signed-post.ts';

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

  secretsManager(operation: string, body: object, region?: string): Promise<Answer> {
    const { first, now } = this.house;
    const service = ['secretsmanager', 'secretsmanager'] as const;
    return this.send(signed(first, operation, JSON.stringify(body), now, [], region, service));
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
      path: `/v1/${path.split('?')[0]}`,
      query: path.split('?')[1] ?? '',
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

/** One request of the doors that take JSON from AWS clients, signed. */
export function signed(
  by: Signer,
  operation: string,
  body: string,
  at: number,
  more: readonly string[] = [],
  region?: string,
  [service, target]: readonly [string, string] = ['kms', 'TrentService'],
): Omit<Request, 'peer'> {
  const headers = ['content-type', 'application/x-amz-json-1.1', 'x-amz-target', `${target}.${operation}`, ...more];
  return signedPost(by, { service, headers, body, at, ...(region !== undefined && { region }) });
}
