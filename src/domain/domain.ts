/** The door of the vocabulary: pure nouns, no behaviour beyond their own invariants. */
export * from './algorithm.ts';
export * from './command.ts';
export * from './context.ts';
export * from './entry.ts';
export * from './error.ts';
export * from './gate.ts';
export * from './grant.ts';
export * from './key.ts';
export * from './lifecycle.ts';
export * from './principal.ts';
export * from './proof.ts';
export * from './record.ts';
export * from './secret-bytes.ts';
