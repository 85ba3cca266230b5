import { existsSync, renameSync, rmSync } from "node:fs";
import Database from "libsql";
import { GraftError } from "../../base/index.ts";
import type { EdgeScores } from "../../scoring/index.ts";
import { readFigure } from "../figures.ts";
import type { Run, Trial } from "../trial.ts";
import { memoryStorage } from "./memory.ts";
import { migrate, VERSION } from "./migrations.node.ts";
import type { StudyRecord, StudyStorage } from "./storage.ts";

/** @throws GraftError FILE_EXISTS */
export function checkNoFile(path: string): void {
  if (existsSync(path))
    throw new GraftError("FILE_EXISTS", {
      thing: path,
      place: "there is a file of that name",
      remedy: "`graft study run` goes on with a study; for a new one choose another name",
    });
}

/**
 * Make the file of a new study. It is whole or not there.
 * @throws GraftError FILE_EXISTS, FILE_UNWRITABLE
 */
export function createStudyFile(path: string, study: StudyRecord, trials: readonly Trial[] = []): void {
  checkNoFile(path);
  const part = `${path}.part`;
  rmSync(part, { force: true });
  guarded(path, () => {
    const db = new Database(part); // not WAL yet: all is in one file when it is renamed
    migrate(db, 0);
    db.transaction(() => {
      db.prepare("INSERT INTO study (id, record) VALUES (1, ?)").run(JSON.stringify(study));
      for (const trial of trials) writeTrial(db, trial);
    })();
    db.close();
    renameSync(part, path);
  });
}

export interface OpenStudyOptions {
  /** Whether this process is to run the study: one at a time may. Others read, and may ask it to stop. Default false. */
  readonly owner?: boolean;
}

/**
 * Open a study's file.
 * @throws GraftError FILE_MISSING, NOT_A_STUDY, STUDY_TOO_NEW; STUDY_OWNED where another process runs it
 */
export function openStudyFile(path: string, { owner = false }: OpenStudyOptions = {}): StudyStorage {
  checkIsStudy(path);
  const lock = owner ? lockStudy(path) : undefined;
  try {
    return guarded(path, () => openAs(path, owner, () => lock?.close()));
  } catch (error) {
    lock?.close();
    throw error;
  }
}

function openAs(path: string, owner: boolean, unlock: () => void): StudyStorage {
  const db = openDatabase(path);
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version === 0) {
    db.close();
    throw notAStudy(path); // somebody's database: it stays as it is
  }
  if (version > VERSION) {
    db.close();
    throw new GraftError("STUDY_TOO_NEW", {
      thing: path,
      place: `its format is version ${version}, and this graft knows ${VERSION}`,
      remedy: "Update onnx-graft",
    });
  }
  db.pragma("journal_mode = WAL"); // readers look while the owner writes
  if (version < VERSION) migrate(db, version);
  const { record } = db.prepare("SELECT record FROM study WHERE id = 1").get() as { record: string };
  const study = JSON.parse(record) as StudyRecord;
  const flag = {
    requestStop: () => void db.prepare("UPDATE study SET stop = 1").run(),
    isStopRequested: () => (db.prepare("SELECT stop FROM study").get() as { stop: number }).stop === 1,
    clearStop: () => void db.prepare("UPDATE study SET stop = 0").run(),
    close() {
      db.close();
      unlock();
    },
  };
  const readTrials = () => trialsIn(db);
  if (!owner) {
    // A reader looks anew each time: the owner goes on writing.
    const current = () => memoryStorage(study, { trials: readTrials(), scores: scoresIn(db) });
    return {
      ...memoryStorage(study),
      ...flag,
      trials: (task) => current().trials(task),
      scores: (task) => current().scores(task),
    };
  }
  return {
    ...memoryStorage(study, {
      trials: readTrials(),
      scores: scoresIn(db),
      onTrial: (trial) => guarded(path, () => db.transaction(() => writeTrial(db, trial))()),
      onScores: (task, scores) =>
        void db.prepare("INSERT OR REPLACE INTO scores (task, scores) VALUES (?, ?)").run(task, JSON.stringify(scores)),
    }),
    ...flag,
  };
}

/** NORMAL loses nothing to a killed process: only the machine's end may cost the last commits. */
function openDatabase(path: string): Database.Database {
  const db = new Database(path);
  db.pragma("synchronous = NORMAL");
  db.pragma("busy_timeout = 10000");
  return db;
}

/** An exclusive transaction on a file beside the study's: the operating system ends it with the process, however that ends. */
function lockStudy(path: string): { close(): void } {
  const side = `${path}-owner`;
  const db = guarded(path, () => new Database(side));
  try {
    db.pragma("busy_timeout = 500"); // whoever asks whether it is held holds it for a moment
    db.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    db.close();
    throw new GraftError("STUDY_OWNED", {
      thing: path,
      place: "another process runs this study",
      remedy: "`graft study status` shows how far it is, `graft study stop` ends it",
      cause,
    });
  }
  return {
    close() {
      db.exec("ROLLBACK");
      db.close(); // the file stays: another may hold it by now
    },
  };
}

/** Whether a process runs the study of this file. */
export function isStudyOwned(path: string): boolean {
  const side = `${path}-owner`;
  if (!existsSync(side)) return false;
  const db = guarded(path, () => new Database(side));
  try {
    db.pragma("busy_timeout = 0");
    db.prepare("SELECT COUNT(*) FROM sqlite_master").get(); // reading waits for an exclusive transaction to end
    return false;
  } catch {
    return true;
  } finally {
    db.close();
  }
}

function writeTrial(db: Database.Database, { runs, ...trial }: Trial): void {
  db.prepare(
    "INSERT OR REPLACE INTO trials (task, number, candidate, origin, state, vals) VALUES (?, ?, ?, ?, ?, ?)",
  ).run(trial.task, trial.number, JSON.stringify(trial.candidate), trial.origin, trial.state, json(trial.values));
  const statement = db.prepare(
    "INSERT OR REPLACE INTO runs (task, trial, seed, state, attempts, reports, result, worker, error, log, started_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  for (const run of runs)
    statement.run(
      run.task,
      run.trial,
      run.seed,
      run.state,
      run.attempts,
      JSON.stringify(run.reports),
      json(run.result),
      run.worker ?? null,
      run.error ?? null,
      JSON.stringify(run.log),
      run.startedAt ?? null,
      run.endedAt ?? null,
    );
}

const json = (value: object | undefined): string | null => (value === undefined ? null : JSON.stringify(value));

type Row = Readonly<Record<string, string | number | null>>;

function trialsIn(db: Database.Database): Trial[] {
  // One transaction: trials and their runs of one moment.
  const { trials, runs } = db.transaction(() => ({
    trials: db.prepare("SELECT * FROM trials ORDER BY task, number").all() as Row[],
    runs: db.prepare("SELECT * FROM runs ORDER BY task, trial, seed").all() as Row[],
  }))();
  const runsOf = new Map<string, Run[]>();
  for (const run of runs.map(runOf)) {
    const key = `${run.trial} ${run.task}`;
    runsOf.set(key, [...(runsOf.get(key) ?? []), run]);
  }
  return trials.map(({ task, number, candidate, origin, state, vals }) => ({
    task: String(task),
    number: Number(number),
    candidate: JSON.parse(String(candidate)),
    origin: String(origin),
    state: state as Trial["state"],
    runs: runsOf.get(`${number} ${task}`) ?? [],
    ...(vals !== null && { values: JSON.parse(String(vals), readFigure) }),
  }));
}

const runOf = (row: Row): Run => ({
  task: String(row.task),
  trial: Number(row.trial),
  seed: Number(row.seed),
  state: row.state as Run["state"],
  attempts: Number(row.attempts),
  reports: JSON.parse(String(row.reports), readFigure),
  log: JSON.parse(String(row.log)),
  ...(row.result !== null && { result: JSON.parse(String(row.result), readFigure) }),
  ...(row.worker !== null && { worker: String(row.worker) }),
  ...(row.error !== null && { error: String(row.error) }),
  ...(row.started_at !== null && { startedAt: Number(row.started_at) }),
  ...(row.ended_at !== null && { endedAt: Number(row.ended_at) }),
});

function scoresIn(db: Database.Database): Record<string, EdgeScores> {
  const rows = db.prepare("SELECT task, scores FROM scores").all() as Row[];
  return Object.fromEntries(rows.map(({ task, scores }) => [String(task), JSON.parse(String(scores))]));
}

/**
 * SQLite makes a database of any file that is not there. The file is never read past SQLite: closing it would drop the
 * locks that this process has on it (POSIX), and another process would take the log of commits away from under us.
 */
function checkIsStudy(path: string): void {
  if (!existsSync(path))
    throw new GraftError("FILE_MISSING", {
      thing: path,
      place: "there is no such file",
      remedy: "Make a study first: `graft study create study.yaml`",
    });
}

const notAStudy = (path: string, cause?: unknown): GraftError =>
  new GraftError("NOT_A_STUDY", {
    thing: path,
    place: "it is no file of a study",
    remedy: "Name the file that `graft study create` made",
    cause,
  });

/** Faults of the database as errors that name the file. */
function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof GraftError) throw cause;
    const { code = "", message } = cause as { code?: string; message: string };
    if (/no such table|not a database|malformed/i.test(message)) throw notAStudy(path, cause);
    throw new GraftError("FILE_UNWRITABLE", {
      thing: path,
      place: `it cannot be used: ${code || message}`,
      remedy: "Look at the folder's rights and the room on its disk",
      cause,
    });
  }
}
