/** AWS as moto plays it (`moto_server`, which tools/setup installs): a KMS that is not ours. */
import { spawn } from 'node:child_process';
import { freePort } from './openbao.ts';
import { program } from './programs.ts';

const moto = program('moto_server', ['--help'], /usage: (moto_server)/);
export const motoAbsent = moto.missing === false ? undefined : moto.missing;

export interface Moto {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startMoto(): Promise<Moto> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(moto.path, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  // Whatever becomes of this process, that one ends with it.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (let tries = 0; ; tries++) {
    try {
      await fetch(`${url}/moto-api/`);
      break;
    } catch (error) {
      if (tries === 300) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return {
    url,
    async stop() {
      process.off('exit', kill);
      kill();
      await gone;
    },
  };
}
