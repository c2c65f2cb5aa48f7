import { everyFromPem } from '#encoding/encoding.ts';

/** What this room asks of other servers: keys of identity providers, codes that they gave, reviews of tokens. */
export interface OutboundRequest {
  /** https, or http to this machine itself. */
  readonly url: string;
  /** PEM: the authorities that the server's certificate must lead to; absent: those that Node knows. */
  readonly ca?: string;
  /** Absent: GET. */
  readonly post?: { readonly type: string; readonly body: string };
  /** Of the Authorization header. */
  readonly authorization?: string;
}

export interface OutboundAnswer {
  readonly status: number;
  readonly text: string;
}

/** Rejects where there is no answer in time, or more of it than is read. Follows no redirect. */
export type Outbound = (request: OutboundRequest) => Promise<OutboundAnswer>;

/** Whether a request may go there at all. */
export function isOutboundUrl(text: string): boolean {
  if (!/^https?:\/\/[\x21-\x7e]{1,1000}$/.test(text) || !URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const secure = protocol === 'https:' || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
  return secure && username === '' && password === '';
}

/** Whether it is certificates in PEM, as those are named by whom others are known. */
export function isPemOfCertificates(text: string): boolean {
  return text.length <= 64 * 1024 && everyFromPem('CERTIFICATE', text) !== undefined;
}
