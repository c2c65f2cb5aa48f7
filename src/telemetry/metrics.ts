/** Prometheus text exposition format 0.0.4, written for the few kinds of number that Claviger has. */

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  lines(): string[];
}

export class Counter implements Metric {
  readonly type = 'counter';
  readonly name: string;
  readonly help: string;
  readonly #label: readonly [string, string];
  readonly #values = new Map<string, Map<string, number>>();

  /** Two labels, whose values must come from closed sets. */
  constructor(name: string, help: string, labels: readonly [string, string]) {
    this.name = name;
    this.help = help;
    this.#label = labels;
  }

  add(first: string, second: string): void {
    let row = this.#values.get(first);
    if (row === undefined) {
      row = new Map();
      this.#values.set(first, row);
    }
    row.set(second, (row.get(second) ?? 0) + 1);
  }

  lines(): string[] {
    const [a, b] = this.#label;
    return [...this.#values].flatMap(([first, row]) =>
      [...row].map(([second, value]) => `${this.name}{${a}="${first}",${b}="${second}"} ${value}`),
    );
  }
}

export class Gauge implements Metric {
  readonly type = 'gauge';
  readonly name: string;
  readonly help: string;
  readonly #read: () => number;

  constructor(name: string, help: string, read: () => number) {
    this.name = name;
    this.help = help;
    this.#read = read;
  }

  lines(): string[] {
    return [`${this.name} ${this.#read()}`];
  }
}

export class Histogram implements Metric {
  readonly type = 'histogram';
  readonly name: string;
  readonly help: string;
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  /** `bounds`: upper limits, ascending, in the unit that the name says. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.#sum += value;
    this.#count++;
    for (let i = 0; i < this.#bounds.length; i++) {
      if (value <= this.#bounds[i]!) {
        this.#counts[i]!++;
        return;
      }
    }
  }

  lines(): string[] {
    let below = 0;
    const buckets = this.#bounds.map((bound, i) => {
      below += this.#counts[i]!;
      return `${this.name}_bucket{le="${bound}"} ${below}`;
    });
    return [
      ...buckets,
      `${this.name}_bucket{le="+Inf"} ${this.#count}`,
      `${this.name}_sum ${this.#sum}`,
      `${this.name}_count ${this.#count}`,
    ];
  }
}

export class Metrics {
  readonly #metrics: Metric[] = [];

  add<M extends Metric>(metric: M): M {
    this.#metrics.push(metric);
    return metric;
  }

  text(): string {
    return this.#metrics
      .flatMap((metric) => [
        `# HELP ${metric.name} ${metric.help}`,
        `# TYPE ${metric.name} ${metric.type}`,
        ...metric.lines(),
        '',
      ])
      .join('\n');
  }
}
