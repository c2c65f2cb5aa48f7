import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { CliError } from '../command.ts';
import { syncFolder } from '../sync-folder.ts';

/** Between which servers. Both by what stays when their addresses change, where they say it. */
export interface Journey {
  readonly source: string;
  readonly namespace: string;
  readonly target: string;
}

export interface Step {
  /** What was done: it is here, or what is here was found to be the same. */
  readonly step: 'moved' | 'verified';
  readonly kind: 'key' | 'secret';
  /** Where it stands at the source, with its mount. */
  readonly from: string;
  /** Digest of what the source said of it, without any secret: another one means that it changed since. */
  readonly mark: string;
}

const format = 1;

/**
 * What a migration has done so far: a file of JSON lines, each durable before the next thing is begun. It only saves work: whatever is
 * missing in it is done again, and does nothing where it was done. No secret is in it.
 */
export class Journal {
  readonly #steps = new Map<string, string>();
  readonly #file: number | undefined;

  private constructor(file: number | undefined) {
    this.#file = file;
  }

  /** For a run that changes nothing, or that is to leave no file. */
  static none(): Journal {
    return new Journal(undefined);
  }

  /** Opens or begins the file. `readOnly`: only to know what was done. Throws CliError where it is the journal of another migration. */
  static open(path: string, journey: Journey, { readOnly = false } = {}): Journal {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    const head = { journal: format, ...journey };
    // A kill may have cut off the first line itself.
    const begins = JSON.stringify(head).startsWith(text);
    const [first, ...steps] = begins ? [head] : linesOf(text);
    assertSame(path, first, journey);
    const journal = new Journal(readOnly ? undefined : openSync(path, begins ? 'w' : 'a', 0o600));
    for (const line of steps) journal.#note(line as unknown as Step);
    if (readOnly) return journal;
    if (begins) {
      journal.#append(head);
      syncFolder(path);
    } else if (!text.endsWith('\n')) {
      // What a kill cut off is no line; the next one must not continue it.
      writeFileSync(journal.#file!, '\n');
    }
    return journal;
  }

  /** Whether that step was done on what still has this mark. */
  has({ step, kind, from, mark }: Step): boolean {
    return this.#steps.get(`${step} ${kind} ${from}`) === mark;
  }

  /** Whether it was done on what was there then. */
  knows({ step, kind, from }: Omit<Step, 'mark'>): boolean {
    return this.#steps.has(`${step} ${kind} ${from}`);
  }

  /** Durable when it returns. */
  add(step: Step): void {
    this.#append(step);
    this.#note(step);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }

  #note({ step, kind, from, mark }: Step): void {
    this.#steps.set(`${step} ${kind} ${from}`, mark);
  }

  #append(line: object): void {
    if (this.#file === undefined) return;
    // The whole of it, where writeSync may stop short.
    writeFileSync(this.#file, `${JSON.stringify(line)}\n`);
    fsyncSync(this.#file);
  }
}

type Line = Readonly<Record<string, unknown>>;

/** The whole ones: a line that was cut off, or made of two, never happened. */
function linesOf(text: string): readonly Line[] {
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as Line];
      } catch {
        return [];
      }
    });
}

function assertSame(path: string, head: Line | undefined, journey: Journey): void {
  const { journal, source, namespace, target } = head ?? {};
  if (journal !== format) throw new CliError(`${path} is no journal of a migration.`);
  if (source === journey.source && namespace === journey.namespace && target === journey.target) return;
  throw new CliError(`${path} is the journal of a migration between other servers: name another file with --journal.`);
}
