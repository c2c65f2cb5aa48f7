/** What the doors share: how an answer is put together and how fields are read from untrusted JSON. */
export * from './fields.ts';
export * from './respond.ts';
export * from './signature-proof.ts';
