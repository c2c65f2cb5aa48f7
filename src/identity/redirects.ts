const loopback = ['localhost', '127.0.0.1', '[::1]'];

/** Whether it is one of those that are allowed, to the letter; on this machine itself the port may be any (RFC 8252 section 7.3). */
export function isRedirectAllowed(uri: string, allowed: readonly string[]): boolean {
  if (allowed.includes(uri)) return true;
  const asked = withoutPort(uri);
  return asked !== undefined && allowed.some((one) => withoutPort(one) === asked);
}

/** Undefined where it leads elsewhere, or could be read as leading somewhere else than it says. */
function withoutPort(uri: string): string | undefined {
  if (!URL.canParse(uri)) return undefined;
  const url = new URL(uri);
  // Only what is written as it is read: no user, no other spelling.
  if (url.href !== uri || url.username !== '' || url.password !== '' || !loopback.includes(url.hostname))
    return undefined;
  url.port = '';
  return url.href;
}
