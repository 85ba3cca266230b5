import { breathe, GraftError, type LongCall } from "../base/index.ts";
import { type Evaluation, isHigher } from "../objective/index.ts";
import type { Vectors } from "../parameters/index.ts";
import type { OptimizerState } from "./adamw.ts";
import type { Checkpoint, CheckpointStore, EpochRecord } from "./checkpoint.ts";
import type { TrainOptions } from "./options.ts";
import type { PlannedBatch, TrainingPlan } from "./plan.ts";
import { warmupCosine } from "./schedule.ts";

/** Seconds between checkpoints within an epoch: what a kill may cost. */
export const DEFAULT_CHECKPOINT_SECONDS = 15;

/** What the loop needs: none of it knows of backbones or tasks. */
export interface EpochRun extends LongCall {
  readonly options: Pick<TrainOptions, "epochs" | "warmup" | "patience"> & { readonly learningRate: number };
  readonly plan: TrainingPlan;
  /** One update on a batch. */
  readonly step: (batch: PlannedBatch, learningRate: number) => Promise<{ readonly loss: number }>;
  readonly state: () => OptimizerState;
  readonly validate: (theta: Vectors) => Promise<Evaluation>;
  readonly encode: (checkpoint: Checkpoint) => Uint8Array;
  readonly checkpoint?: CheckpointStore;
  readonly checkpointSeconds?: number;
  readonly onEpoch?: (record: EpochRecord) => void;
}

/** The loop: one step, perhaps a checkpoint, at an epoch's end a validation. Returns what a checkpoint would hold. */
export async function runEpochs(run: EpochRun, start: Checkpoint): Promise<Checkpoint> {
  const { options, plan, signal, onProgress, checkpoint } = run;
  const { checkpointSeconds = DEFAULT_CHECKPOINT_SECONDS } = run;
  const perEpoch = plan.stepsPerEpoch;
  const total = perEpoch * options.epochs;
  const rateAt = (step: number) => options.learningRate * warmupCosine(step, total, Math.round(options.warmup * total));
  const begun = performance.now();
  let [savedAt, current] = [begun, start];
  const seconds = () => start.seconds + (performance.now() - begun) / 1000;
  const save = async () => {
    savedAt = performance.now();
    await checkpoint?.save(run.encode({ ...current, state: run.state(), seconds: seconds() }));
  };

  try {
    for (let step = start.state.step; ; step++) {
      // Here and not after the step: a run that stopped between the two closes its epoch when it is resumed.
      if (step === perEpoch * (current.history.length + 1)) {
        current = await closeEpoch(run, current, perEpoch, rateAt(step - 1));
        await save();
      } else if (performance.now() - savedAt > 1000 * checkpointSeconds) await save();
      await breathe(signal);
      if (step === total || exhausted(current, options.patience)) break;
      const { loss } = await run.step(plan.batch(step), rateAt(step));
      current = { ...current, lossSum: current.lossSum + loss };
      onProgress?.({ phase: "train", done: step + 1, total, unit: "steps", metrics: { loss } });
    }
  } catch (error) {
    // Abort and a bad loss alike leave the last good state behind.
    throw await save().then(
      () => error,
      (unsaved) => withUnsaved(error, unsaved),
    );
  }
  return { ...current, state: run.state(), seconds: seconds() };
}

/** What went wrong first is what a caller has to know; that no checkpoint could be saved then goes with it. */
function withUnsaved(error: unknown, unsaved: unknown): unknown {
  if (!(error instanceof GraftError && unsaved instanceof Error) || error.message === unsaved.message) return error;
  const { code, thing, place, remedy } = error;
  return new GraftError(code, {
    thing,
    place: `${place}; nor could its checkpoint be saved (${unsaved.message})`,
    remedy,
    cause: unsaved,
  });
}

async function closeEpoch(run: EpochRun, current: Checkpoint, steps: number, rate: number): Promise<Checkpoint> {
  const { theta } = run.state();
  const epoch = current.history.length + 1;
  const validation = await run.validate(theta);
  const record: EpochRecord = { epoch, trainLoss: current.lossSum / steps, validation, learningRate: rate };
  run.onEpoch?.(record);
  const history = [...current.history, record];
  const previous = current.bestEpoch === 0 ? undefined : current.history[current.bestEpoch - 1]!.validation;
  return isBetter(validation, previous)
    ? { ...current, history, lossSum: 0, best: theta.map((vector) => vector.slice()), bestEpoch: epoch }
    : { ...current, history, lossSum: 0 };
}

const isBetter = (a: Evaluation, b: Evaluation | undefined) =>
  b === undefined || isHigher(a.value, b.value) || (!isHigher(b.value, a.value) && a.loss < b.loss);

const exhausted = ({ history, bestEpoch }: Checkpoint, patience: number | undefined) =>
  patience !== undefined && history.length - bestEpoch >= patience;
