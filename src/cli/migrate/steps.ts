import { printable } from '../output.ts';

const width = 24;

/** How far it is: a bar on a terminal, nothing elsewhere, where lines say it. */
export class Steps {
  readonly #total: number;
  readonly #shown: boolean;
  #done = 0;

  constructor(total: number, shown: boolean) {
    this.#total = total;
    this.#shown = shown;
  }

  /** `name`: what is under way. */
  begin(name: string): void {
    if (!this.#shown) return;
    process.stderr.write(
      `\r${stepsLine(this.#done, this.#total, printable(name), process.stderr.columns || 80)}\u001b[K`,
    );
  }

  done(): void {
    this.#done++;
  }

  /** Leaves the line clean. */
  end(): void {
    if (this.#shown) process.stderr.write('\r\u001b[K');
  }
}

export function stepsLine(done: number, total: number, name: string, columns: number): string {
  const part = total === 0 ? 1 : done / total;
  const bar = '#'.repeat(Math.round(part * width)).padEnd(width, '.');
  return `[${bar}] ${String(Math.floor(part * 100)).padStart(3)}%  ${done} of ${total}  ${name}`.slice(0, columns - 1);
}
