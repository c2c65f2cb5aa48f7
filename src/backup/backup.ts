/** The door of backups: one file each, that any seal of its server opens. */
export {
  flushFolder,
  folderSink,
  type Part,
  readBackup,
  readBackupHeader,
  type WrittenBackup,
  writeBackup,
} from './file.ts';
export type { BackupHeader } from './header.ts';
export { backupsIn, type KeptBackup, nameOfBackup, prune } from './kept.ts';
