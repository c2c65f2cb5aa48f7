import { harden } from './hardening.ts';

harden();

const [name, ...args] = process.argv.slice(2);

/** The commands that run a server know every room; the others talk to one, and load none of it. */
async function run(): Promise<number> {
  if (!args.includes('--help') && !args.includes('-h')) {
    if (name === 'dev') return (await import('./development.ts')).developmentCommand(args);
    if (name === 'init') return (await import('./production.ts')).initCommand(args);
    if (name === 'server') return (await import('./production.ts')).productionCommand(args);
  }
  return (await import('#cli/cli.ts')).runCli(process.argv.slice(2));
}

process.exitCode = await run();
