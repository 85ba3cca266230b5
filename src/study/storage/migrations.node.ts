import type Database from "libsql";

/** What makes a file of version k one of version k + 1. Those that were released never change; new ones follow. */
const migrations: readonly string[] = [
  `CREATE TABLE study (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL, stop INTEGER NOT NULL DEFAULT 0);
   CREATE TABLE trials (
     task TEXT NOT NULL, number INTEGER NOT NULL, candidate TEXT NOT NULL, origin TEXT NOT NULL, state TEXT NOT NULL,
     vals TEXT, PRIMARY KEY (task, number));
   CREATE TABLE runs (
     task TEXT NOT NULL, trial INTEGER NOT NULL, seed INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
     reports TEXT NOT NULL, result TEXT, worker TEXT, error TEXT, log TEXT NOT NULL, started_at INTEGER, ended_at INTEGER,
     PRIMARY KEY (task, trial, seed));`,
  "CREATE TABLE scores (task TEXT PRIMARY KEY, scores TEXT NOT NULL);",
];

/** The newest version. */
export const VERSION = migrations.length;

/** Bring a database from its version up to another, default the newest: each step whole or not at all. */
export function migrate(db: Database.Database, from: number, to = VERSION): void {
  for (let version = from; version < to; version++)
    db.transaction(() => {
      db.exec(migrations[version]!);
      db.pragma(`user_version = ${version + 1}`);
    })();
}
