/** What all doors share: how an answer is put together and how fields are read from untrusted JSON. `aws-*.ts` are of AWS' services alone. */
export * from './fields.ts';
export * from './respond.ts';
export * from './signature-proof.ts';
