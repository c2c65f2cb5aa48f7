/** A server with canary keys of every kind that can be brought, which are used as clients use them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, type Started, start } from '../process.ts';
import { type Canary, plant, wrapped } from './canaries.ts';

export const passphrase = 'a canary for a passphrase 7f3a9c0d51';
const message = Buffer.from('message').toString('base64');

export class Planted {
  readonly canaries: readonly Canary[] = plant();
  readonly folder: string;
  readonly process: Started;
  /** Makes identities and seals the server. */
  readonly officer: string;
  readonly #agent: Agent;
  #admin = '';
  #user = '';

  private constructor(folder: string, process: Started, officer: string) {
    this.folder = folder;
    this.process = process;
    this.officer = officer;
    this.#agent = new Agent({ ca: readFileSync(join(folder, 'data/tls/ca.pem')), keepAlive: true });
  }

  /** Unsealed by a passphrase from a file. */
  static async production(): Promise<Planted> {
    const folder = newFolder();
    const passphraseFile = join(folder, 'passphrase');
    writeFileSync(passphraseFile, passphrase);
    const seal = ['--data', join(folder, 'data'), '--passphrase-file', passphraseFile];
    const { output } = await run(['init', ...seal]);
    const process = await start(['server', ...seal, '--listen', '127.0.0.1:0']);
    return new Planted(folder, process, /CLAVIGER_TOKEN=(\S+)/.exec(output)![1]!);
  }

  static async development(nodeOptions: string): Promise<Planted> {
    const folder = newFolder();
    const data = join(folder, 'data');
    const process = await start(['dev', '--data', data, '--listen', '127.0.0.1:0'], {
      env: { NODE_OPTIONS: nodeOptions },
    });
    const { stdout } = await run(['env', '--format', 'json', '--data', data]);
    return new Planted(folder, process, JSON.parse(stdout).CLAVIGER_TOKEN);
  }

  get pid(): number {
    return this.process.process.pid!;
  }

  /** What its two people's tokens are. */
  get tokens(): ReadonlyMap<string, string> {
    return new Map([
      ['the administrator', this.#admin],
      ['the user', this.#user],
    ]);
  }

  async bring({ asOfficer = false } = {}): Promise<void> {
    if (asOfficer) this.#admin = this.#user = this.officer;
    else {
      this.#admin = (await this.native('POST', '/identities', { name: 'admin', role: 'key-administrator' })).token!;
      this.#user = (await this.native('POST', '/identities', { name: 'user', role: 'key-user' })).token!;
    }
    const wrapping = await this.#ask(this.#admin, 'GET', '/v1/transit/wrapping_key');
    for (const { name, type, material } of this.canaries) {
      await this.#ask(this.#admin, 'POST', `${pathOf(name)}/import`, {
        ...{ type, hash_function: 'SHA256' },
        ciphertext: wrapped(material, (wrapping.data as Record<string, string>).public_key!),
      });
    }
  }

  /** Each key several times, by all that it can do. */
  async use(): Promise<void> {
    for (const { name, type } of this.canaries) {
      for (let i = 0; i < 3; i++) await this.#useOnce(name.toLowerCase(), type);
    }
  }

  async #useOnce(name: string, type: string): Promise<void> {
    const transit = (verb: string, body: object) => this.#ask(this.#user, 'POST', `/v1/transit/${verb}/${name}`, body);
    if (/^(aes|chacha|rsa)/.test(type)) {
      const { data } = await transit('encrypt', { plaintext: message });
      await transit('decrypt', { ciphertext: (data as Record<string, string>).ciphertext });
    }
    if (/^(aes|hmac)/.test(type)) await transit('hmac', { input: message });
    if (/^(rsa|ecdsa|ed25519)/.test(type)) await transit('sign', { input: message });
  }

  /** For good and at once. */
  async destroy(name: string): Promise<void> {
    await this.#ask(this.#admin, 'POST', `${pathOf(name)}/config`, { deletion_allowed: true });
    await this.#ask(this.#admin, 'DELETE', pathOf(name));
  }

  native(method: string, path: string, body?: object): Promise<Record<string, string>> {
    return this.#ask(this.officer, method, `/claviger/v1${path}`, body) as Promise<Record<string, string>>;
  }

  async #ask(token: string, method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const sent = request(this.process.url + path, { method, agent: this.#agent, headers }, (answer) => {
        let text = '';
        answer.on('data', (chunk) => {
          text += chunk;
        });
        answer.on('end', () => {
          if (answer.statusCode! < 300) resolve(text === '' ? {} : JSON.parse(text));
          else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`));
        });
      });
      sent.on('error', reject);
      sent.end(body && JSON.stringify(body));
    });
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    await this.process.stop();
    rmSync(this.folder, { recursive: true });
  }
}

const newFolder = () => mkdtempSync(join(tmpdir(), 'claviger-memory-'));
const pathOf = (name: string) => `/v1/transit/keys/${name.toLowerCase()}`;
