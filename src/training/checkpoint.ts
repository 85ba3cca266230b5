import { GraftError } from "../base/index.ts";
import { decodeSafetensors } from "../formats/index.ts";
import type { ParameterLayout, Vectors } from "../parameters/index.ts";
import type { OptimizerState } from "./adamw.ts";
import { decodeVectors, encodeVectors } from "./state-file.ts";

/** Where a run keeps its checkpoint: a folder in Node, anything else elsewhere. */
export interface CheckpointStore {
  /** The last saved bytes, or undefined before the first save. */
  load(): Promise<Uint8Array | undefined>;
  /** Replace them, atomically. */
  save(bytes: Uint8Array): Promise<void>;
}

/** One epoch's figures. */
export interface EpochRecord {
  /** Counted from 1. */
  readonly epoch: number;
  readonly trainLoss: number;
  readonly validation: { readonly loss: number; readonly value: number };
  readonly learningRate: number;
}

/** Everything a run needs to go on as if it had never stopped. */
export interface Checkpoint {
  readonly state: OptimizerState;
  /** Parameters of the best epoch so far. */
  readonly best: Vectors;
  readonly bestEpoch: number;
  readonly history: readonly EpochRecord[];
  /** Sum of the losses of the running epoch's steps. */
  readonly lossSum: number;
  /** Seconds trained before. */
  readonly seconds: number;
}

/** What a checkpoint belongs to: it may only be resumed under the same settings. */
export type Fingerprint = Readonly<Record<string, unknown>>;

const FORMAT = "graft-checkpoint-1";

/** One safetensors file: parameters, moments and best parameters by name, the rest as JSON in its metadata. */
export function encodeCheckpoint(
  layout: ParameterLayout,
  checkpoint: Checkpoint,
  fingerprint: Fingerprint,
): Uint8Array {
  const { state, best, bestEpoch, history, lossSum, seconds } = checkpoint;
  const run = JSON.stringify({ step: state.step, bestEpoch, history, lossSum, seconds });
  return encodeVectors(
    layout,
    { theta: state.theta, m: state.m, v: state.v, best },
    { format: FORMAT, run, fingerprint: JSON.stringify(fingerprint) },
  );
}

/**
 * Read a checkpoint back.
 * @throws GraftError CHECKPOINT_MISMATCH naming the setting that differs, or that it is no checkpoint
 */
export function decodeCheckpoint(layout: ParameterLayout, bytes: Uint8Array, fingerprint: Fingerprint): Checkpoint {
  const { vectors, metadata } = decodeVectors(layout, bytes, "the checkpoint");
  const [savedRun, savedFingerprint] = [metadata.get("run"), metadata.get("fingerprint")];
  if (metadata.get("format") !== FORMAT || !savedRun || !savedFingerprint)
    throw new GraftError("CHECKPOINT_MISMATCH", {
      thing: "the checkpoint",
      place: `it is not of the format ${FORMAT}`,
      remedy: "Resume from a folder that `graft train --out` wrote with this version, or start anew",
    });
  checkFingerprint(JSON.parse(savedFingerprint), fingerprint);
  // JSON writes NaN, the value of a metric that is not defined, as null.
  const { step, ...run } = JSON.parse(savedRun, (_, value) => value ?? Number.NaN) as Omit<
    Checkpoint,
    "state" | "best"
  > & { step: number };
  return {
    ...run,
    state: { step, theta: vectors("theta"), m: vectors("m"), v: vectors("v") },
    best: vectors("best"),
  };
}

/**
 * The settings of the run that a checkpoint is of.
 * @returns undefined of a file that is no checkpoint of this format, which `decodeCheckpoint` refuses
 * @throws GraftError SAFETENSORS
 */
export function checkpointSettings(bytes: Uint8Array): Fingerprint | undefined {
  const { metadata } = decodeSafetensors(bytes, "the checkpoint");
  const saved = metadata.get("format") === FORMAT ? metadata.get("fingerprint") : undefined;
  return saved === undefined ? undefined : JSON.parse(saved);
}

/** @throws GraftError CHECKPOINT_MISMATCH naming the first setting that differs */
export function checkFingerprint(saved: Fingerprint, wanted: Fingerprint): void {
  for (const key of new Set([...Object.keys(saved), ...Object.keys(wanted)])) {
    const [was, is] = [JSON.stringify(saved[key]), JSON.stringify(wanted[key])];
    if (was !== is)
      throw new GraftError("CHECKPOINT_MISMATCH", {
        thing: `setting "${key}"`,
        place: `the run to resume had ${was}, this one has ${is}`,
        remedy: "Resume with the settings the run was started with, or give another --out",
      });
  }
}
