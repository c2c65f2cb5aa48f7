import { CliError } from './command.ts';

const enter = new Set(['\r', '\n', '\u0004']);
const erase = new Set(['\u007f', '\b']);
const interrupt = '\u0003';
const eraseAll = '\u0015';

/** Asks on the terminal without showing what is typed. Throws CliError where there is none, with what could be done instead. */
export function askSecret(
  question: string,
  instead = 'the passphrase: use --passphrase-fd or --passphrase-file',
): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) throw new CliError(`There is no terminal to ask for ${instead}.`);
  // Before anybody is asked: what is typed at once must not be shown either.
  stdin.setRawMode(true);
  stderr.write(question);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise((resolve, reject) => {
    let typed: string[] = [];
    const done = (settle: () => void) => {
      stdin.setRawMode(false);
      stdin.pause();
      stdin.off('data', take);
      stderr.write('\n');
      settle();
    };
    const take = (text: string) => {
      for (const key of text) {
        if (key === interrupt) return done(() => reject(new CliError('Interrupted.')));
        if (enter.has(key)) return done(() => resolve(typed.join('')));
        if (erase.has(key)) typed.pop();
        else if (key === eraseAll) typed = [];
        else typed.push(key);
      }
    };
    stdin.on('data', take);
  });
}

/** Until Enter is pressed on the terminal. Throws CliError when interrupted. */
export async function waitForEnter(question: string): Promise<void> {
  await askSecret(question, 'a key press');
}
