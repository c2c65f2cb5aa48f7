import { test } from 'node:test';
import { serverOfThisFile } from '../../harness.ts';
import { holds, noHvac } from './hvac.ts';

const { env } = await serverOfThisFile();

test('hvac lives with the server as with Vault', { skip: noHvac, timeout: 120_000 }, () =>
  holds('hvac_life.py', env, 50),
);
