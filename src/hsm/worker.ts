import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { ckr, notBegun } from './ckr.ts';
import { importBinding } from './cryptoki.ts';
import { roomFor } from './mechanisms.ts';
import { type Answer, type BatchAnswer, begunWord, bellWord, type Question, type ThreadSettings } from './messages.ts';
import { Answers, type Batch, unpack } from './packing.ts';
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

function answerAll(session: TokenSession, batch: Batch): BatchAnswer {
  const uses = unpack(batch);
  const answers = new Answers(uses.map(roomFor));
  let lost = false;
  for (const use of uses) {
    if (lost) {
      answers.put(notBegun, 0);
      continue;
    }
    Atomics.add(words, begunWord, 1);
    try {
      answers.put(ckr.OK, session.use(use, answers.room(roomFor(use))));
    } catch (error) {
      const { rv } = session.failureOf(error);
      lost = isLost(rv);
      answers.put(rv, 0);
    }
  }
  new Uint8Array(batch.bytes).fill(0);
  return { answers: answers.bytes };
}

/** Until the question is 'close'. */
function serve(session: TokenSession): void {
  for (;;) {
    const rung = Atomics.load(words, bellWord);
    let received = receiveMessageOnPort(port) as { message: Question | Batch } | undefined;
    for (; received !== undefined; received = receiveMessageOnPort(port) as typeof received) {
      const { message } = received;
      if ('bytes' in message) {
        const answered = answerAll(session, message);
        port.postMessage(answered, [answered.answers]);
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
