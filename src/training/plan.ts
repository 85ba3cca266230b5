import type { ModelInput } from "../backbone/index.ts";
import { epochOrder, type Split } from "../tasks/index.ts";
import { lengthBuckets } from "../text/index.ts";

/** Which examples each step of a training sees. */
export interface TrainingPlan {
  /** Tokens a row of each step graph; one entry, undefined, for pictures. */
  readonly lengths: readonly (number | undefined)[];
  /** The examples of each length, in order. */
  readonly examples: readonly Uint32Array[];
  readonly stepsPerEpoch: number;
  batch(step: number): PlannedBatch;
}

export interface PlannedBatch {
  readonly epoch: number;
  readonly indices: Uint32Array;
  /** Which of the plan's lengths it is for. */
  readonly graph: number;
}

/**
 * Shuffle anew each epoch and cut into batches; texts meet others of like length, so that little is padded. A pure
 * function of its arguments: a run resumed anywhere meets the same batches.
 */
export function planTraining(split: Split, input: ModelInput, batchSize: number, seed: number): TrainingPlan {
  const { lengths, graphOf } = bucketsOf(split, input);
  const members: number[][] = lengths.map(() => []);
  for (let index = 0; index < split.count; index++) members[graphOf(index)]!.push(index);
  const stepsPerEpoch = members.reduce((sum, { length }) => sum + Math.ceil(length / batchSize), 0);
  let cached: { readonly epoch: number; readonly batches: ReturnType<typeof cut> } | undefined;
  return {
    lengths,
    examples: members.map((indices) => Uint32Array.from(indices)),
    stepsPerEpoch,
    batch(step) {
      const epoch = Math.floor(step / stepsPerEpoch);
      if (cached?.epoch !== epoch)
        cached = { epoch, batches: cut(epochOrder(split.count, seed, epoch), graphOf, lengths.length, batchSize) };
      return { epoch, ...cached.batches[step % stepsPerEpoch]! };
    },
  };
}

/** Fill one batch for each graph in turn, in the epoch's order; short batches come last. */
function cut(order: Uint32Array, graphOf: (index: number) => number, graphs: number, batchSize: number) {
  const batches: { indices: Uint32Array; graph: number }[] = [];
  const open: number[][] = Array.from({ length: graphs }, () => []);
  const close = (graph: number) => {
    batches.push({ indices: Uint32Array.from(open[graph]!), graph });
    open[graph] = [];
  };
  for (const index of order) {
    const graph = graphOf(index);
    if (open[graph]!.push(index) === batchSize) close(graph);
  }
  open.forEach((rest, graph) => {
    if (rest.length > 0) close(graph);
  });
  return batches;
}

function bucketsOf(split: Split, input: ModelInput) {
  if (split.kind === "image" || input.kind === "image") return { lengths: [undefined], graphOf: () => 0 };
  if (input.fixedLength !== undefined) return { lengths: [input.fixedLength], graphOf: () => 0 };
  const found = Array.from({ length: split.count }, (_, index) => split.length(index));
  const lengths = lengthBuckets(found, { maxLength: found.reduce((a, b) => Math.max(a, b), 1) });
  return { lengths, graphOf: (index: number) => lengths.findIndex((length) => found[index]! <= length) };
}
