import { hostname } from 'node:os';
import { assertCanHandOut, handOut, pairs, readCustodians } from '#cli/cli.ts';
import { type Handout, KmsError, Plaintext } from '#domain/domain.ts';
import type { Founding } from './assemble.ts';
import { show } from './serving.ts';

/** What `claviger init` is told of the seal that it makes. */
export interface FirstSealValues {
  readonly seal?: string | undefined;
  readonly 'seal-name'?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly shares?: string | undefined;
  readonly threshold?: string | undefined;
  readonly custodian?: readonly string[] | undefined;
  readonly 'custodian-key'?: readonly string[] | undefined;
  readonly out?: string | undefined;
}

/** Shares where their number is given, else a passphrase, unless another kind is named. `newSecret` asks for what a kind takes. */
export async function firstSeal(
  values: FirstSealValues,
  newSecret: (kind: string) => Promise<Uint8Array>,
): Promise<Founding> {
  const kind = values.seal ?? (values.shares === undefined ? 'passphrase' : 'shamir');
  const name = values['seal-name'] ?? (kind === 'shamir' ? 'shares' : kind);
  const settings = Object.fromEntries(pairs(values.set ?? []));
  if (kind === 'shamir') return { kind, name, ...shares(values, name, settings) };
  const ofShares = (['shares', 'threshold', 'custodian', 'custodian-key', 'out'] as const).find(
    (option) => values[option] !== undefined,
  );
  if (ofShares !== undefined)
    throw new KmsError('invalid-parameter', `A seal of kind ${kind} has no shares, so --${ofShares} means nothing.`);
  const takes = kind === 'passphrase' || kind === 'pkcs11';
  const secret = takes ? { secret: new Plaintext(await newSecret(kind)) } : {};
  return { kind, name, settings, ...secret, show: () => {} };
}

function shares(
  { shares: total, threshold, custodian = [], 'custodian-key': keys = [], out }: FirstSealValues,
  seal: string,
  more: Readonly<Record<string, unknown>>,
): Pick<Founding, 'settings' | 'show'> {
  if (total === undefined || threshold === undefined)
    throw new KmsError('invalid-parameter', 'A seal of shares takes --shares N and --threshold M.');
  const custodians = readCustodians(custodian, keys);
  const encrypted = custodians?.filter(({ recipient }) => recipient !== undefined).length === Number(total);
  assertCanHandOut(out, encrypted);
  return {
    settings: { ...more, shares: total, threshold, ...(custodians !== undefined && { custodians }) },
    show: async (handouts) => {
      const files = await handOut(handouts.map(handed), { seal, server: hostname(), dir: out, now: new Date() });
      for (const { text } of handouts) text.wipe();
      await show(files.map((file) => `${file}\n`).join(''));
    },
  };
}

const handed = ({ custodian, text }: Handout) => ({ custodian, text: text.release() });
