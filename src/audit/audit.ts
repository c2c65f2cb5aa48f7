/** The door of the ledger: lines, their tree, signed checkpoints, and the proof of both without a server. */
export { type Checkpoint, CheckpointSigner, openCheckpoint, parseCheckpoint } from './checkpoint.ts';
export { exportDataDirectory, readVerifierKeys, verifyDataDirectory, verifyExportFile } from './data-directory.ts';
export { decodeEntry, encodeEntry } from './entry-line.ts';
export { exportLedger, readExport, verifyExport } from './export.ts';
export { type Extension, Ledger, type LedgerState, newLedger, openLedger } from './ledger.ts';
export { type LogItem, type LogItems, storeLog } from './log-item.ts';
export { Frontier, type Hash, hashBytes, hashOf, leafHash } from './merkle.ts';
export { formatVerifierKey, parseVerifierKey, parseVerifierKeys, type VerifierKey } from './note.ts';
export {
  consistencyProof,
  inclusionProof,
  type RangeRoot,
  rootsOfList,
  verifyConsistency,
  verifyInclusion,
} from './proofs.ts';
export {
  decodeProof,
  encodeProof,
  type InclusionProof,
  type Proven,
  proveEntry,
  proveUnder,
  verifyProof,
} from './prove.ts';
export { type IndexedEntry, readEntries } from './read-entries.ts';
export { assertGrownFrom } from './tail.ts';
export { type FirstWrong, type Report, type VerifyOptions, verifyLedger } from './verify.ts';
