import { setFlagsFromString } from 'node:v8';
import { assertUnwatched, harden, leaveNoDump } from './hardening.ts';
import { giveMemoryBackAtRest } from './rest.ts';

harden();

const [name, ...args] = process.argv.slice(2);

/**
 * While a server warms up, most of what a request allocates outlives a collection of young objects, so V8 would allocate it among the
 * old ones from then on, where only a full collection finds it. No request lives that long afterwards: worth a tenth of the throughput.
 */
function keepRequestsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}

/** What holds the keys of production keeps them where nobody else looks. */
async function withKeys(command: () => Promise<number>): Promise<number> {
  const { reporting, warn } = await import('./serving.ts');
  return reporting(async () => {
    assertUnwatched();
    await (await import('./fips.ts')).enterFipsIfAsked(args);
    const undumpable = await leaveNoDump();
    const { heap, locked } = await (await import('#crypto/crypto.ts')).guardMemory();
    if (process.platform === 'linux' && !undumpable) warn('claviger: the system did not take core dumps away.');
    if (process.platform === 'linux' && heap === 0)
      warn('claviger: keys lie in ordinary memory, without a secure heap of OpenSSL: turn swap off.');
    if (heap > 0 && locked === 0) warn('claviger: keys are not locked in memory (RLIMIT_MEMLOCK): turn swap off.');
    return command();
  });
}

/** The commands that run a server know every room; the others talk to one, and load none of it. */
async function run(): Promise<number> {
  if (!args.includes('--help') && !args.includes('-h')) {
    if (name === 'dev' || name === 'server') {
      keepRequestsYoung();
      giveMemoryBackAtRest();
    }
    if (name === 'dev') {
      await (await import('#crypto/crypto.ts')).guardMemory();
      return (await import('./development.ts')).developmentCommand(args);
    }
    if (name === 'init') return withKeys(async () => (await import('./production.ts')).initCommand(args));
    if (name === 'restore') return withKeys(async () => (await import('./restore.ts')).restoreCommand(args));
    if (name === 'drill') return withKeys(async () => (await import('./restore.ts')).drillCommand(args));
    if (name === 'server') return withKeys(async () => (await import('./production.ts')).productionCommand(args));
  }
  return (await import('#cli/cli.ts')).runCli(process.argv.slice(2));
}

process.exitCode = await run();
