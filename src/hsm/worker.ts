import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { ckr, notBegun } from './ckr.ts';
import { importBinding } from './cryptoki.ts';
import { roomFor } from './mechanisms.ts';
import {
  type Answer,
  type Batch,
  type BatchAnswer,
  begunWord,
  bellWord,
  type Question,
  type ThreadSettings,
} from './messages.ts';
import { isLost } from './return-values.ts';
import { TokenSession } from './session.ts';

/* The thread of one session: PKCS#11 calls wait for the token, so they wait here. It runs no event loop (as the store's thread doesn't). */
const port = parentPort!;
const { words } = workerData as ThreadSettings;

async function begin(): Promise<TokenSession | undefined> {
  try {
    const session = new TokenSession(await importBinding());
    port.postMessage({ value: undefined } satisfies Answer);
    return session;
  } catch (error) {
    const words = `HSMs are reached by the package pkcs11js, which can't be loaded: npm install pkcs11js, where a C++ compiler is (${(error as NodeJS.ErrnoException).code ?? 'not compiled'}).`;
    port.postMessage({ failure: { rv: ckr.GENERAL_ERROR, fault: 'unsupported', words } } satisfies Answer);
    return undefined;
  }
}

function answer(session: TokenSession, { ask, args }: Question): Answer {
  try {
    return { value: (session[ask] as (...given: unknown[]) => unknown)(...args) };
  } catch (error) {
    return { failure: session.failureOf(error) };
  } finally {
    if (ask === 'connect') args[0].pin.fill(0);
  }
}

function answerAll(session: TokenSession, { uses, bytes }: Batch): BatchAnswer {
  const given = Buffer.from(bytes);
  const answers = Buffer.from(new ArrayBuffer(uses.reduce((sum, use) => sum + roomFor(use), 8)));
  const results: number[] = [];
  let from = 0;
  let to = 0;
  let lost = false;
  for (const use of uses) {
    const ivEnd = from + use.iv;
    const aadEnd = ivEnd + use.aad;
    const end = aadEnd + use.data;
    const room = answers.subarray(to, to + roomFor(use));
    if (lost) results.push(notBegun, 0, to);
    else {
      Atomics.add(words, begunWord, 1);
      const parts = {
        iv: given.subarray(from, ivEnd),
        aad: given.subarray(ivEnd, aadEnd),
        data: given.subarray(aadEnd, end),
      };
      try {
        results.push(ckr.OK, session.use(use, parts, room), to);
      } catch (error) {
        const { rv } = session.failureOf(error);
        lost = isLost(rv);
        results.push(rv, 0, to);
      }
    }
    from = end;
    to += room.length;
  }
  given.fill(0);
  return { results, bytes: answers.buffer };
}

/** Until the question is 'close'. */
function serve(session: TokenSession): void {
  for (;;) {
    const rung = Atomics.load(words, bellWord);
    let received = receiveMessageOnPort(port) as { message: Question | Batch } | undefined;
    for (; received !== undefined; received = receiveMessageOnPort(port) as typeof received) {
      const { message } = received;
      if ('uses' in message) {
        const answered = answerAll(session, message);
        port.postMessage(answered, [answered.bytes]);
        continue;
      }
      port.postMessage(answer(session, message));
      if (message.ask === 'close') return;
    }
    Atomics.wait(words, bellWord, rung);
  }
}

const session = await begin();
if (session !== undefined) serve(session);
