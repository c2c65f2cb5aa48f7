import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { CommitConflict } from '../durable-state.ts';
import type { Database } from './database.ts';
import { asKmsError } from './failure.ts';
import type { Answer, Question, WorkerSettings } from './messages.ts';
import { openForReading, openForWriting } from './open.ts';

/*
 * The thread that waits for the disk. It sleeps on a shared word and takes messages off its port by hand instead of running an
 * event loop: measured, that is 15 us of CPU a round trip on both sides together instead of 23.
 */
const port = parentPort!;
const { places, readOnly, bell } = workerData as WorkerSettings;

function open(): ({ database: Database } & Disposable) | undefined {
  try {
    const opened = readOnly ? { database: openForReading(places), [Symbol.dispose]: () => {} } : openForWriting(places);
    port.postMessage([{ value: undefined }]);
    return opened;
  } catch (error) {
    port.postMessage([failed(error)]);
    return undefined;
  }
}

function failed(error: unknown): Answer {
  const known = asKmsError(error, places.path);
  const { code, message } = known;
  return { failure: known instanceof CommitConflict ? { code, message, change: known.change } : { code, message } };
}

function answer(database: Database, [name, args]: Question): Answer {
  try {
    const call = database[name] as (...args: unknown[]) => unknown;
    return { value: call.apply(database, args as unknown[]) };
  } catch (error) {
    return failed(error);
  }
}

/** Until the question is 'close'. */
function serve(database: Database): void {
  for (;;) {
    const rung = Atomics.load(bell, 0);
    let answers: Answer[] = [];
    let message = receiveMessageOnPort(port) as { message: Question } | undefined;
    for (; message !== undefined; message = receiveMessageOnPort(port) as typeof message) {
      const [name] = message.message;
      answers.push(answer(database, message.message));
      // Reads may share a message; an answer to a commit doesn't wait for what was asked behind it.
      if (name !== 'commit' && name !== 'close') continue;
      port.postMessage(answers);
      answers = [];
      if (name === 'close') return;
      database.tidy();
    }
    if (answers.length > 0) port.postMessage(answers);
    Atomics.wait(bell, 0, rung);
  }
}

using opened = open();
if (opened !== undefined) serve(opened.database);
