import { type KeySet, keyOfPem, readKeySet } from '#crypto/crypto.ts';
import { type JwtConfig, type JwtKeySource, KmsError, type ShownJwtConfig } from '#domain/domain.ts';
import { parseJson, toUtf8 } from '#encoding/encoding.ts';
import type { AuthMountRecord } from './directory.ts';
import { Fresh } from './fresh.ts';
import { isOutboundUrl, type Outbound, type OutboundRequest } from './outbound.ts';

/** What an OpenID Connect provider says of itself (Discovery 1.0 section 3), as far as it is needed here. */
export interface Discovered {
  readonly issuer: string;
  readonly keysUrl: string;
  readonly authorizationUrl?: string;
  readonly tokenUrl?: string;
  readonly userInfoUrl?: string;
  /** The provider takes the client's secret in the body only. */
  readonly secretInBody: boolean;
}

export interface SourceKeys {
  readonly keys: KeySet;
  readonly discovered?: Discovered;
}

type Configured = AuthMountRecord & { readonly config: ShownJwtConfig };

const unreachable = (what: string) => new KmsError('unavailable', `${what} could not be read; ask again later.`, 'jwt');

/** Names a mount as it is: whatever is changed of it, and whatever is mounted there later, has another one. */
export const stateOf = ({ id, revision }: AuthMountRecord): string => `${id}/${revision}`;

/** The keys that mounts of type `jwt` and `oidc` believe. */
export class JwtSources {
  readonly #outbound: Outbound | undefined;
  readonly #fresh: Fresh<SourceKeys>;

  constructor(outbound: Outbound | undefined, clock: () => number) {
    this.#outbound = outbound;
    this.#fresh = new Fresh(clock, { most: 6, window: 60_000 });
  }

  /** Rejects with 'unavailable'. */
  of(mount: Configured): Promise<SourceKeys> {
    return this.#fresh.of(stateOf(mount), () => this.read(mount.config.source));
  }

  /** After a token named a key that isn't there. */
  again(mount: Configured): Promise<SourceKeys> {
    return this.#fresh.again(stateOf(mount), () => this.read(mount.config.source));
  }

  async read(source: JwtConfig['source']): Promise<SourceKeys> {
    switch (source.kind) {
      case 'keys':
        return { keys: { keys: source.keys.map((pem) => keyOfPem(pem)!) } };
      case 'jwks':
        return { keys: await this.#keySet(source.url, source.ca) };
      case 'discovery': {
        const discovered = await this.#discover(source);
        return { keys: await this.#keySet(discovered.keysUrl, source.ca), discovered };
      }
    }
  }

  async #discover({ url, ca }: Extract<JwtKeySource, { kind: 'discovery' }>): Promise<Discovered> {
    const what = 'What the provider says of itself';
    const text = await this.#text(`${url.replace(/\/$/, '')}/.well-known/openid-configuration`, ca, what);
    const said = parseJson(toUtf8(text)) as Readonly<Record<string, unknown>> | null | undefined;
    const { issuer, jwks_uri, authorization_endpoint, token_endpoint, userinfo_endpoint } = said ?? {};
    const methods = said?.token_endpoint_auth_methods_supported;
    // Another issuer's document is not this one's (section 4.3).
    if (typeof issuer !== 'string' || issuer.replace(/\/$/, '') !== url.replace(/\/$/, '')) throw unreachable(what);
    const urlOf = (value: unknown) => urlSaidBy(url, value);
    const keysUrl = urlOf(jwks_uri);
    if (keysUrl === undefined) throw unreachable(what);
    const [authorizationUrl, tokenUrl, userInfoUrl] = [authorization_endpoint, token_endpoint, userinfo_endpoint].map(
      urlOf,
    );
    return {
      issuer,
      keysUrl,
      secretInBody: Array.isArray(methods) && !methods.includes('client_secret_basic'),
      ...(authorizationUrl !== undefined && { authorizationUrl }),
      ...(tokenUrl !== undefined && { tokenUrl }),
      ...(userInfoUrl !== undefined && { userInfoUrl }),
    };
  }

  async #keySet(url: string, ca: string | undefined): Promise<KeySet> {
    const what = "The provider's keys";
    const keys = readKeySet(await this.#text(url, ca, what));
    if (keys === undefined) throw unreachable(what);
    return keys;
  }

  async #text(url: string, ca: string | undefined, what: string): Promise<string> {
    const { status, text } = await this.ask({ url, ...(ca !== undefined && { ca }) }, what);
    if (status !== 200) throw unreachable(what);
    return text;
  }

  async ask(request: OutboundRequest, what: string) {
    if (this.#outbound === undefined) throw unreachable(what);
    try {
      return await this.#outbound(request);
    } catch {
      throw unreachable(what);
    }
  }
}

/** A provider elsewhere sends nobody to this machine, which only what is configured may name without https. */
function urlSaidBy(provider: string, value: unknown): string | undefined {
  if (typeof value !== 'string' || !isOutboundUrl(value)) return undefined;
  return provider.startsWith('https:') && !value.startsWith('https:') ? undefined : value;
}
