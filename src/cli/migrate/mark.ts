/** SHA-256 of what a server says of a thing, to see later whether it still says so. Never taken of a secret: it could be guessed. */
export async function markOf(said: Uint8Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(said))).toHex();
}
