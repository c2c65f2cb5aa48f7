import { size } from './output.ts';

const width = 24;

/** A bar with rate and time left on stderr, for people only: silent where stderr is no terminal. */
export class Progress {
  readonly #total: number | undefined;
  readonly #shown: boolean;
  readonly #start = performance.now();
  #drawn = 0;
  #done = 0;

  constructor(total: number | undefined, shown: boolean) {
    this.#total = total;
    this.#shown = shown;
  }

  /** `done`: bytes so far. */
  update(done: number): void {
    this.#done = done;
    const now = performance.now();
    if (!this.#shown || now - this.#drawn < 100) return;
    this.#drawn = now;
    process.stderr.write(`\r${progressLine(done, this.#total, (now - this.#start) / 1000)}\u001b[K`);
  }

  /** Leaves the line clean and answers what was done and how fast. */
  end(): string {
    if (this.#shown) process.stderr.write('\r\u001b[K');
    const seconds = (performance.now() - this.#start) / 1000;
    return `${size(this.#done)} in ${seconds.toFixed(2)} s, ${size(Math.round(this.#done / seconds))}/s`;
  }
}

export function progressLine(done: number, total: number | undefined, seconds: number): string {
  const rate = seconds > 0 ? done / seconds : 0;
  const pace = `${size(Math.round(rate))}/s`;
  if (total === undefined || total === 0) return `${size(done)}  ${pace}`;
  const part = Math.min(1, done / total);
  const bar = '#'.repeat(Math.round(part * width)).padEnd(width, '.');
  const left = rate > 0 ? `${timeLeft((total - done) / rate)} left` : '';
  return `[${bar}] ${String(Math.floor(part * 100)).padStart(3)}%  ${size(done)} of ${size(total)}  ${pace}  ${left}`;
}

function timeLeft(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  return `${hours > 0 ? `${hours}:` : ''}${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
