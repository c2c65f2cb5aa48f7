/*
 * Loaded before a development server by `node --import`: writes a heap snapshot at SIGUSR2. A production server starts with nothing of the kind.
 */
import { writeHeapSnapshot } from 'node:v8';

const path = new URL(import.meta.url).searchParams.get('to')!;
process.on('SIGUSR2', () => writeHeapSnapshot(path));
