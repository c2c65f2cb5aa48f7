import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { documentedErrors } from '../../../tools/aws-documented.ts';
import { type Client, type ClientKind, clientKinds, Refused, type Service, UnknownToClient } from './clients.ts';
import { doors } from './doors.ts';
import { type Place, startPlace } from './place.ts';
import { World } from './world.ts';

/**
 * Every operation of every AWS door by every official client, and every error that AWS documents of it. The clients run side
 * by side, each against a server of its own and with nothing but what `claviger env` says.
 */

describe('the official clients', { concurrency: clientKinds.length }, () => {
  for (const kind of clientKinds) describe(kind.name, { concurrency: 1, skip: kind.missing }, () => suite(kind));
});

function suite(kind: ClientKind): void {
  let place: Place;
  let client: Client;
  before(async () => {
    place = await startPlace();
    client = kind.start(await place.server.env());
  });
  after(async () => {
    client?.close();
    await place?.server.stop();
  });

  for (const [service, { operations, requests, provocation }] of Object.entries(doors)) {
    for (const operation of operations) {
      test(`${service} ${operation}`, (t) =>
        unlessUnknown(t, async () => {
          const { input, ready, answer, elsewhere } = requests[operation] ?? assert.fail(`no request for ${operation}`);
          const world = new World(client.ask, place);
          const fields = await input(world);
          await ready?.(world);
          const asked = client.ask(service as Service, operation, fields, elsewhere && place.otherRegion);
          if (answer === undefined) await asked;
          else await assert.rejects(asked, { name: answer });
        }));
      if (!kind.provokes) continue;
      for (const error of documentedErrors(service as Service, operation)) {
        const provoke = provocation(operation, error);
        if (provoke === undefined) continue;
        test(`${service} ${operation}: ${error}`, (t) =>
          unlessUnknown(t, async () => {
            const fields = await provoke(new World(client.ask, place), operation);
            await assert.rejects(client.ask(service as Service, operation, fields), (refusal: Error) => {
              if (refusal instanceof UnknownToClient) throw refusal;
              assert.ok(refusal instanceof Refused, `${refusal}`);
              // The CLI shows what was sent; a few classes of STS are called otherwise than their errors.
              const name = `${refusal.name}Exception` === error ? error : refusal.name;
              assert.equal(name, error, refusal.message);
              assert.ok(refusal.isOfTheModel, `${error} has no class`);
              return true;
            });
          }));
      }
    }
  }
}

/** Skips, saying so, what is younger than the client. */
async function unlessUnknown(t: { skip(why: string): void }, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof UnknownToClient)) throw error;
    t.skip(`skipped: this version of the client is older than ${error.message}`);
  }
}
