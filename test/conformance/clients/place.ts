/** A server as these suites want it: in two regions. */
import assert from 'node:assert/strict';
import { type RunningServer, startServer } from '../../harness.ts';
import { caller, identityOf } from '../../server/place.ts';

export const otherRegion = 'eu-west-1';

export async function startRegions(): Promise<RunningServer> {
  const server = await startServer();
  const { send, close } = caller(server.url, server.data);
  const headers = { authorization: `Bearer ${identityOf(server.data).token}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ name: 'west', region: otherRegion });
  const { status, body: told } = await send('POST', '/claviger/v1/regions', body, headers);
  close();
  assert.ok(status < 300, told);
  return server;
}
