import { DatabaseSync } from 'node:sqlite';
import { KmsError } from '#domain/domain.ts';

/**
 * The schema, as numbered steps: number n is at index n - 1, and a step that was ever released never changes. A step only adds
 * (a table, a column with a default), so that a reader of the former release goes on working while and after it runs; what is
 * no longer used is dropped by a later release.
 */
export const migrations: readonly string[] = [
  `create table record (
     kind text not null,
     id text not null,
     revision integer not null,
     mac blob not null check (length(mac) = 32),
     body blob not null,
     primary key (kind, id)
   ) strict;
   create table ledger (
     first integer primary key,
     count integer not null,
     bytes blob not null
   ) strict;
   create table checkpoint (
     size integer primary key,
     note text not null
   ) strict;
   create table head (
     only integer primary key check (only = 1),
     body blob not null
   ) strict;`,
];

/** 'Clav', so that `file` and we ourselves know the file for ours. */
const applicationId = 0x436c6176;

/** Brings the schema to the newest version, step by step, each a transaction. */
export function migrate(db: DatabaseSync, path: string, steps: readonly string[] = migrations): void {
  const present = schemaVersion(db, path, steps);
  for (let version = present + 1; version <= steps.length; version++) {
    db.exec('begin immediate');
    try {
      if (version === 1) {
        db.exec(
          `pragma application_id = ${applicationId}; create table schema_version (version integer primary key) strict`,
        );
      }
      db.exec(steps[version - 1]!);
      db.prepare('insert into schema_version (version) values (?)').run(version);
      db.exec('commit');
    } catch (error) {
      if (db.isTransaction) db.exec('rollback');
      throw error;
    }
  }
  checkSchema(db, path, steps);
}

/** For readers, who can't migrate: throws unless the schema is the newest. */
export function requireNewest(db: DatabaseSync, path: string, steps: readonly string[] = migrations): void {
  const version = schemaVersion(db, path, steps);
  if (version < steps.length) {
    throw new KmsError('unavailable', `The data file ${path} is of an older release; start the server on it once.`);
  }
  checkSchema(db, path, steps);
}

function schemaVersion(db: DatabaseSync, path: string, steps: readonly string[]): number {
  const { application_id: owner } = db.prepare('pragma application_id').get() as { application_id: number };
  if (owner === 0 && schemaOf(db) === '[]') return 0;
  if (owner !== applicationId) throw new KmsError('unavailable', `${path} is not a data file of Claviger.`);
  const { version } = db.prepare('select max(version) as version from schema_version').get() as { version: number };
  if (version > steps.length) {
    const known = `version ${version}; this release knows versions up to ${steps.length}`;
    throw new KmsError('unavailable', `The data file ${path} has schema ${known}. Use a newer release.`);
  }
  return version;
}

/** A trigger, view or altered table would run as us: whoever could write the file must not be able to leave one. */
function checkSchema(db: DatabaseSync, path: string, steps: readonly string[]): void {
  const fresh = new DatabaseSync(':memory:');
  try {
    fresh.exec('create table schema_version (version integer primary key) strict');
    for (const step of steps) fresh.exec(step);
    if (schemaOf(db) === schemaOf(fresh)) return;
  } finally {
    fresh.close();
  }
  throw new KmsError('tampered', `The schema of the data file ${path} was changed by something other than Claviger.`);
}

function schemaOf(db: DatabaseSync): string {
  return JSON.stringify(db.prepare('select type, name, sql from sqlite_schema order by type, name').all());
}
