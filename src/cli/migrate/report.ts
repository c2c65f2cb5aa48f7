import { type Output, printable } from '../output.ts';
import type { Places } from './places.ts';
import type { Item, Left, Plan } from './plan.ts';
import type { Report } from './run.ts';

/** What is said of a plan and of what came of it. */

const words = { new: 'to bring', changed: 'changed since', done: 'done before' } as const;

const count = (number: number, one: string, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

function versionsOf(item: Item): string {
  if (item.kind === 'secret') return item.facts === undefined ? '1' : String(Object.keys(item.facts.versions).length);
  const { latest_version: last, min_available_version: available, min_decryption_version: least } = item.facts;
  const first = Math.max(1, item.way === 'export' ? least : available);
  return first === last ? String(last) : `${first} to ${last}`;
}

const mountsToMake = ({ items }: Plan, places: Places): readonly string[] =>
  [...new Set(items.map(({ place }) => place))].filter((place) => !places.isThere(place));

function leftLines(out: Output, title: string, left: readonly Left[]): void {
  if (left.length === 0) return;
  out.line(`\n${out.paint.bold(title)}`);
  for (const { from, reason, remedy } of left) {
    out.line(`  ${printable(from)}: ${printable(reason)}`);
    for (const line of remedy?.split('\n') ?? []) out.line(`    ${out.paint.dim(printable(line))}`);
  }
  if (left.some(({ remedy }) => remedy?.startsWith('path '))) {
    out.line('  Lines that begin with "path" are for a policy of the token there.');
  }
}

function table(out: Output, items: readonly Item[]): void {
  out.table(
    ['From', 'To', 'Kind', 'Versions', 'By', 'State'],
    items.map((item) => [
      ...[item.from, item.to, item.kind === 'key' ? item.facts.type : 'secret', versionsOf(item)],
      ...[item.kind === 'key' ? item.way : 'read', words[item.state]],
    ]),
  );
}

export const show = {
  /** As JSON. */
  planned(plan: Plan, places: Places): object {
    return {
      dryRun: true,
      items: plan.items.map((item) => ({
        ...{ kind: item.kind, from: item.from, to: item.to, state: item.state, versions: versionsOf(item) },
        ...(item.kind === 'key' && { type: item.facts.type, way: item.way }),
        ...(item.warnings.length > 0 && { warnings: item.warnings }),
      })),
      mountsToMake: mountsToMake(plan, places),
      left: plan.left,
    };
  },

  plan(out: Output, plan: Plan, places: Places): void {
    const { items, left } = plan;
    if (items.length > 0) table(out, items);
    const warned = items.flatMap(({ kind, from, warnings }) => warnings.map((reason) => ({ kind, from, reason })));
    leftLines(out, 'Will be different here', warned);
    leftLines(out, 'Can not come', left);
    const made = mountsToMake(plan, places);
    if (made.length > 0)
      out.line(`\nTo be made here: ${made.map((path) => `the mount ${printable(path)}`).join(', ')}`);
    const open = items.filter(({ state }) => state !== 'done');
    const keys = open.filter(({ kind }) => kind === 'key').length;
    out.line(
      `\n${count(keys, 'key')} and ${count(open.length - keys, 'secret')} would come, ${items.length - open.length} came before, ${left.length} can not come. Nothing was changed.`,
    );
  },

  report(out: Output, report: Report, journal: string): void {
    const { moved, same, doneBefore, postponed, left, failed, verified, unverified, differing } = report;
    leftLines(out, 'Could not come', left);
    leftLines(out, 'Failed', failed);
    leftLines(out, 'Could not be compared', unverified);
    leftLines(
      out,
      'Not the same here',
      differing.map((one) => ({ ...one, reason: 'changed there since, or is not what it was: run again' })),
    );
    const keys = moved.filter(({ kind }) => kind === 'key').length;
    const parts = [
      `${count(keys, 'key')} and ${count(moved.length - keys, 'secret')} came`,
      ...(same > 0 ? [`${same} ${same === 1 ? 'was' : 'were'} the same here`] : []),
      ...(doneBefore > 0 ? [`${doneBefore} came before`] : []),
      ...(postponed > 0 ? [`${postponed} wait for the next run`] : []),
      ...(left.length + failed.length > 0 ? [`${left.length + failed.length} did not come`] : []),
      `${verified} compared and found the same`,
    ];
    out.line(`\n${parts.join(', ')}. The journal is ${journal}.`);
  },
};
