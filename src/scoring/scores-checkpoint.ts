import type { Backbone } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";
import { decodeSafetensors, encodeSafetensors } from "../formats/index.ts";
import { createBuilder, hashGraph } from "../graph/index.ts";
import { hashTask, type Task } from "../tasks/index.ts";
import { type CheckpointStore, checkFingerprint, type Head } from "../training/index.ts";
import type { Wanted } from "./judge.ts";
import type { Probe } from "./probe.ts";
import type { ColumnSettings, ScoredColumn } from "./scored-column.ts";

/** Columns that are scored, kept as they are done, and the head behind which they were. */
export interface ScoresCheckpoint {
  /** By the state they lead to. */
  readonly columns: ReadonlyMap<number, ScoredColumn>;
  /** Undefined before the first column, and where the goal needs none. */
  readonly head?: Head;
  add(column: ScoredColumn, behind: Probe): Promise<void>;
}

/** What scoring keeps in a store as it goes, and the head behind which it was made. */
export interface KeptScores<T> {
  /** What an earlier call left; undefined where there is nothing. */
  readonly value?: T;
  readonly head?: Head;
  /** Does nothing without a store. */
  save(value: T, behind: Probe): Promise<void>;
}

const FORMAT = "graft-scores-checkpoint-1";

/**
 * What an earlier call left in a store, and room for more; without a store in memory alone.
 * @throws GraftError CHECKPOINT_MISMATCH naming the setting that differs, or that it holds no scores
 */
export async function openScoresCheckpoint(
  backbone: Backbone,
  task: Task,
  wanted: readonly Wanted[],
  settings: ColumnSettings,
): Promise<ScoresCheckpoint> {
  const kept = await openKeptScores<readonly ScoredColumn[]>("columns", backbone, task, wanted, settings);
  const columns = new Map<number, ScoredColumn>(kept.value?.map((column) => [column.to, column]));
  return {
    columns,
    ...(kept.head && { head: kept.head }),
    async add(column, behind) {
      columns.set(column.to, column);
      await kept.save([...columns.values()], behind);
    },
  };
}

/**
 * @param name  of what is kept, in the file
 * @param more  settings that it depends on beside those of all scores
 * @throws GraftError as `openScoresCheckpoint`
 */
export async function openKeptScores<T>(
  name: string,
  backbone: Backbone,
  task: Task,
  wanted: readonly Wanted[],
  settings: ColumnSettings,
  more: Readonly<Record<string, unknown>> = {},
): Promise<KeptScores<T>> {
  const { checkpoint } = settings;
  if (checkpoint === undefined) return { save: async () => {} };
  const fingerprint = { ...(await fingerprintOf(backbone, task, wanted, settings)), ...more };
  const saved = await read<T>(checkpoint, name, fingerprint);
  return {
    ...(saved && { value: saved.value }),
    ...(saved && saved.head.size > 0 && { head: saved.head }),
    async save(value, { head }) {
      const texts = Object.entries({ format: FORMAT, fingerprint, [name]: value });
      await checkpoint.save(encodeSafetensors(head, new Map(texts.map(([key, part]) => [key, JSON.stringify(part)]))));
    },
  };
}

/** What columns were scored with: they may only be gone on from with the same. */
async function fingerprintOf(backbone: Backbone, task: Task, wanted: readonly Wanted[], settings: ColumnSettings) {
  const { examples, head = "fitted", after, headL2, eta, seed, stride, groups } = settings;
  return {
    backbone: backbone.hash,
    task: task.name,
    train: task.train.count,
    data: await hashTask(task),
    scores: wanted.map(({ name }) => name).sort(),
    head: typeof head === "string" ? head : await hashOf(head),
    after: after && { method: after.spec.method, tensors: await hashOf(after.tensors) },
    ...{ headL2, examples, eta, seed, stride, groups },
  };
}

const hashOf = (tensors: Head): Promise<string> => hashGraph({ ...createBuilder().toGraph([]), initializers: tensors });

async function read<T>({ load }: CheckpointStore, name: string, fingerprint: Readonly<Record<string, unknown>>) {
  const bytes = await load();
  if (bytes === undefined) return undefined;
  const { tensors, metadata } = decodeSafetensors(bytes, "the checkpoint");
  const part = (key: string) => JSON.parse(metadata.get(key) ?? "null");
  if (part("format") !== FORMAT)
    throw new GraftError("CHECKPOINT_MISMATCH", {
      thing: "the checkpoint",
      place: `it is not of the format ${FORMAT}`,
      remedy: "Name one that scoring wrote with this version, or a new one",
    });
  checkFingerprint(part("fingerprint"), fingerprint);
  return { head: tensors as Head, value: part(name) as T };
}
