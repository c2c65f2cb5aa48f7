/**
 * What Node may be told when it runs a server: limits of memory, whom TLS trusts, which OpenSSL configuration, which warnings. Anything
 * else may open a debugger, write what is in memory to a file, or run code before ours; what is not known is refused.
 */
const allowed: ReadonlySet<string> = new Set([
  '--disable-sigusr1',
  '--disable-warning',
  '--dns-result-order',
  '--enable-fips',
  '--force-fips',
  '--jitless',
  '--max-heap-size',
  '--max-old-space-size',
  '--max-old-space-size-percentage',
  '--max-semi-space-size',
  '--no-addons',
  '--no-deprecation',
  '--no-warnings',
  '--openssl-config',
  '--openssl-shared-config',
  '--stack-trace-limit',
  '--title',
  '--tls-cipher-list',
  '--tls-min-v1.2',
  '--tls-min-v1.3',
  '--trace-deprecation',
  '--trace-warnings',
  '--unhandled-rejections',
  '--use-bundled-ca',
  '--use-openssl-ca',
  '--use-system-ca',
  '--v8-pool-size',
]);

/** The options that this process was started with and a server may not have, as they were given, with where they came from. */
export function refusedNodeOptions(): readonly string[] {
  const { NODE_OPTIONS: given = '' } = process.env;
  return [...refusedIn(process.execArgv), ...refusedIn(wordsOf(given)).map((option) => `${option} (in NODE_OPTIONS)`)];
}

/** Of NODE_OPTIONS, without what Node takes for quotes and escapes there: "\--inspect" is --inspect to it. */
export function wordsOf(text: string): readonly string[] {
  return text.split(/\s+/).map((word) => word.replaceAll(/["'\\]/g, ''));
}

/** An option that takes the next word is told with it. */
export function refusedIn(words: readonly string[]): readonly string[] {
  return words.flatMap((word, i) => {
    if (!word.startsWith('-')) return [];
    // Node takes underscores for hyphens.
    const name = word.split('=')[0]!.replaceAll('_', '-');
    if (allowed.has(name)) return [];
    const next = words[i + 1];
    return [word.includes('=') || next === undefined || next.startsWith('-') ? word : `${word} ${next}`];
  });
}
