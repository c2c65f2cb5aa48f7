import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError, SecretBytes } from '#domain/domain.ts';
import { maxWrapped, type Seal, type SealKind } from '../contract.ts';

/** One kind of seal, with what its real backend takes. What can't be done to it is left out; everything else is tried. */
export interface SealUnderTest {
  /** Reaches the backend as it is now. */
  readonly kind: SealKind;
  /** As a command would give them. Called for each new seal. */
  settings(): Promise<Record<string, unknown>> | Record<string, unknown>;
  /** What creates a seal; undefined for a kind that asks nothing. */
  createSecret?(): SecretBytes;
  /** What opens the seal that was created last; default: what created it. */
  openSecret?(): SecretBytes;
  /** Of a seal that takes a credential. */
  wrongSecret?(): SecretBytes;
  /** Runs `during` while the backend can't be reached, and brings it back. */
  unreachable?(during: () => Promise<void>): Promise<void>;
  /** How 'unavailable' calls the seal: part of its message. */
  named?: RegExp;
  /** Ways in which what `create` pinned is not what is there: settings to be refused as 'tampered', or something done to the backend. */
  tampered?(pinned: Record<string, unknown>): ReadonlyArray<{
    readonly what: string;
    readonly settings?: Record<string, unknown>;
    prepare?(): Promise<void>;
    restore?(): Promise<void>;
  }>;
  /** Every how many bytes of a wrapped secret one is flipped; default: each. For slow backends. */
  readonly flipEvery?: number;
  /** Undefined: the backend is there. Else why not, and every test is skipped. */
  readonly absent?: string | undefined;
}

const wanted = (code: string, words?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KmsError, String(error));
  assert.equal(error.code, code, error.message);
  if (words !== undefined) assert.match(error.message, words);
  return true;
};

const sample = (length: number) => new SecretBytes(Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 0xff));
const bytesOf = (secret: SecretBytes) => Buffer.from(secret.expose()).toString('hex');

/** What every seal keeps: called by each kind's own test, with its real backend. */
export function sealContract(name: string, under: () => SealUnderTest): void {
  const it = (
    title: string,
    run: (subject: SealUnderTest) => Promise<void>,
    inapplicable: (subject: SealUnderTest) => string | undefined = () => undefined,
  ) =>
    test(`${name}: ${title}`, async (t) => {
      const subject = under();
      const why = subject.absent ?? inapplicable(subject);
      if (why !== undefined) return t.skip(why);
      await run(subject);
    });

  const made = async (subject: SealUnderTest) => {
    using secret = subject.createSecret?.();
    const { kind } = subject;
    return await kind.create(kind.settings(await subject.settings()), secret);
  };

  /** A seal that was closed, as it lies in a file. */
  const kept = async (subject: SealUnderTest, secret = sample(96)) => {
    const { settings, seal } = await made(subject);
    const wrapped = await seal.wrap(secret);
    await seal.close();
    return { settings: JSON.parse(JSON.stringify(settings)) as Record<string, unknown>, wrapped };
  };

  const opened = async (subject: SealUnderTest, settings: Record<string, unknown>, secret = openSecret(subject)) => {
    using given = secret;
    const { kind } = subject;
    return await kind.open(kind.settings(settings), given);
  };
  const openSecret = (subject: SealUnderTest) => (subject.openSecret ?? subject.createSecret)?.();

  const within = async (seal: Seal, act: (seal: Seal) => Promise<void>) => {
    try {
      await act(seal);
    } finally {
      await seal.close();
    }
  };

  it('opens what it wrapped, of every length up to the longest', async (subject) => {
    const { settings, seal } = await made(subject);
    const lengths = [1, 32, 96, maxWrapped];
    const wrapped = await Array.fromAsync(lengths, (length) => seal.wrap(sample(length)));
    await seal.close();
    await within(await opened(subject, JSON.parse(JSON.stringify(settings))), async (again) => {
      assert.equal(again.kind, subject.kind.kind);
      for (const [i, length] of lengths.entries()) {
        using back = await again.unwrap(wrapped[i]!);
        assert.equal(bytesOf(back), bytesOf(sample(length)));
      }
    });
  });

  it('wraps the same secret differently each time and never shows it', async (subject) => {
    await within((await made(subject)).seal, async (seal) => {
      const [a, b] = [await seal.wrap(sample(96)), await seal.wrap(sample(96))];
      assert.notDeepEqual(a, b);
      for (const wrapped of [a, b]) {
        assert.equal(Buffer.from(wrapped).includes(Buffer.from(sample(96).expose().subarray(20, 36))), false);
      }
    });
  });

  it('refuses every flipped byte, what is cut short and what is longer, all alike', async (subject) => {
    const { settings, wrapped } = await kept(subject);
    await within(await opened(subject, settings), async (seal) => {
      const told = new Set<string>();
      const refuses = async (bytes: Uint8Array, what: string) => {
        await assert.rejects(
          seal.unwrap(bytes).then((secret) => assert.fail(`${what} was opened: ${secret.length} bytes`)),
          (error) => {
            told.add((error as Error).message);
            return wanted('invalid-unseal')(error);
          },
        );
      };
      for (let i = 0; i < wrapped.length; i += subject.flipEvery ?? 1) {
        const damaged = Uint8Array.from(wrapped);
        damaged[i]! ^= 1;
        await refuses(damaged, `byte ${i} flipped`);
      }
      for (const length of [0, 1, wrapped.length >> 1, wrapped.length - 1])
        await refuses(wrapped.subarray(0, length), `cut to ${length}`);
      await refuses(Buffer.concat([wrapped, Buffer.alloc(1)]), 'a byte more');
      assert.equal(told.size, 1, `a refusal says why: ${[...told].join(' | ')}`);
    });
  });

  it('refuses a secret that is too long', async (subject) => {
    await within((await made(subject)).seal, async (seal) => {
      await assert.rejects(seal.wrap(sample(maxWrapped + 1)), wanted('too-large'));
    });
  });

  it('may be closed twice, and wraps nothing from then on', async (subject) => {
    const { seal } = await made(subject);
    const wrapped = await seal.wrap(sample(32));
    await seal.close();
    await seal.close();
    await assert.rejects(seal.wrap(sample(32)));
    await assert.rejects(seal.unwrap(wrapped));
  });

  it('takes its own settings back from the file, and refuses what it does not know', async (subject) => {
    const { settings } = await kept(subject);
    const { kind } = subject;
    assert.deepEqual(JSON.parse(JSON.stringify(kind.settings(settings))), settings);
    assert.throws(() => kind.settings({ ...settings, surprise: 'x' }), wanted('invalid-parameter', /surprise/));
    assert.throws(() => kind.settings({ ...settings, __proto__x: 1 }), wanted('invalid-parameter', /__proto__x/));
  });

  const refusesWrongSecret = async (subject: SealUnderTest) => {
    const { settings, wrapped } = await kept(subject);
    const attempt = async (secret: SecretBytes | undefined) => {
      const seal = await opened(subject, settings, secret);
      await within(seal, async () => {
        (await seal.unwrap(wrapped)).dispose();
      });
    };
    await assert.rejects(attempt(subject.wrongSecret?.()), wanted('invalid-unseal'));
    const { kind } = subject;
    await assert.rejects(
      async () => await within(await kind.open(kind.settings(settings), undefined), async () => {}),
      wanted('invalid-unseal'),
    );
    await attempt(openSecret(subject));
  };
  it('refuses a wrong credential', refusesWrongSecret, ({ wrongSecret }) =>
    wrongSecret === undefined ? 'it asks for nothing' : undefined,
  );

  const outlivesAnOutage = async (subject: SealUnderTest) => {
    const { settings, wrapped } = await kept(subject);
    const gone = wanted('unavailable', subject.named ?? new RegExp(subject.kind.kind));
    const seal = await opened(subject, settings);
    await within(seal, async () => {
      await subject.unreachable!(async () => {
        await assert.rejects(async () => {
          await within(await opened(subject, settings), async (other) => {
            (await other.unwrap(wrapped)).dispose();
          });
        }, gone);
        await assert.rejects(seal.unwrap(wrapped), gone);
        await assert.rejects(seal.wrap(sample(96)), gone);
      });
      using back = await seal.unwrap(wrapped);
      assert.equal(bytesOf(back), bytesOf(sample(96)));
    });
  };
  it(
    'says when it is out of reach, to be opened and to be used, and works once it is back',
    outlivesAnOutage,
    (subject) => (subject.unreachable === undefined ? 'nothing of it is out of reach' : undefined),
  );

  const refusesAnother = async (subject: SealUnderTest) => {
    const { settings, wrapped } = await kept(subject);
    const ways = subject.tampered?.(settings) ?? [];
    assert.ok(ways.length > 0);
    for (const { what, settings: changed, prepare, restore } of ways) {
      await prepare?.();
      try {
        await assert.rejects(
          async () => {
            await within(await opened(subject, changed ?? settings), async (seal) => {
              (await seal.unwrap(wrapped)).dispose();
            });
          },
          wanted('tampered'),
          what,
        );
      } finally {
        await restore?.();
      }
    }
    await within(await opened(subject, settings), async (seal) => {
      (await seal.unwrap(wrapped)).dispose();
    });
  };
  it('refuses another module, token or key than it was made with', refusesAnother, (subject) =>
    subject.tampered === undefined ? 'its settings pin nothing' : undefined,
  );
}
