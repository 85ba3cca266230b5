import { heldBytes, isReread, tensorBytes } from "../graph/index.ts";
import type { Method } from "../methods/index.ts";
import type { Backbone, Task, TrainOptions } from "../node.ts";
import { largestBatch, type MemoryPlan, microBatchOf, planMemory } from "../training/index.ts";
import { asBegun, type BegunSettings } from "./begun-settings.ts";
import type { CommandContext } from "./define-command.ts";

/** Share of the free memory that a training may plan to take: frozen values may take a fifth of it, and plans are some 10 % off. */
const SHARE = 0.75;

/** What a training will take, and what is free beside what is in use, in bytes. */
export interface MemoryOutlook extends MemoryPlan {
  readonly available: number;
  /** The largest batch that fits, where the one asked for does not; 0: none does. */
  readonly fittingBatch?: number;
}

/** What Node, ONNX Runtime and sharp take besides JavaScript's memory (measured: 100 to 130 MB). */
const NATIVE = 120e6;

/**
 * Bytes in use before a training, and those it may have. Weights that a big file can be read for again are counted where they are
 * needed, so what they take now is free; and so is what they took, where a session was released and the allocator kept its memory.
 */
export function memoryNow({ graph }: Backbone): { readonly inUse: number; readonly available: number } {
  const { rss, heapTotal, external } = process.memoryUsage();
  const weights = [...graph.initializers.values()].filter(isReread);
  const held = heldBytes(weights);
  const gone = weights.reduce((sum, tensor) => sum + tensorBytes(tensor), 0) - held;
  const kept = Math.min(gone, Math.max(0, rss - NATIVE - heapTotal - external));
  return { inUse: rss - held - kept, available: process.availableMemory() + held + kept };
}

/** Plan a training's memory against what this machine has left. */
export async function memoryOutlook(
  backbone: Backbone,
  task: Task,
  method: Method,
  options: TrainOptions,
  signal?: AbortSignal,
): Promise<MemoryOutlook> {
  const { inUse, available } = memoryNow(backbone);
  const plan = await planMemory(backbone, task, method, options, { inUse, signal });
  const fits = plan.peak - inUse <= SHARE * available;
  const fittingBatch = fits
    ? undefined
    : await largestBatch(backbone, task, method, options, { free: SHARE * available, signal });
  // What was freed and is still the process's is not given back for a training that needs less.
  return { ...plan, peak: Math.max(plan.peak, process.memoryUsage.rss()), available, fittingBatch };
}

/**
 * Tell a training's memory before it starts, and let it compute its batch in parts where the whole does not fit.
 * @param begun  of a run that goes on: what it decided then, whatever is free now
 */
export async function fitMemory(
  { signal, note, line }: Pick<CommandContext<unknown>, "signal" | "note" | "line">,
  backbone: Backbone,
  task: Task,
  method: Method,
  asked: TrainOptions,
  begun?: BegunSettings,
): Promise<TrainOptions> {
  const options = begun ? asBegun(begun, asked) : asked;
  const outlook = await memoryOutlook(backbone, task, method, options, signal);
  note(describeMemory(outlook));
  line("memory", outlook);
  if (begun) {
    for (const flag of memoryFlags(asked, options)) note(`${flag}, as the run to resume has it`);
    return options;
  }
  const { fittingBatch, available } = outlook;
  if (fittingBatch === undefined) return options;
  // Parts of a batch cost next to no time, computing again a third to a half more: that is for what parts cannot do.
  const isWhole =
    options.microBatch !== undefined || microBatchOf(task, { ...options, microBatch: 1 }) === options.batchSize;
  if (!isWhole && (fittingBatch > 1 || options.recompute !== "auto")) return inParts(fittingBatch, options);
  if (options.recompute !== "auto") return options;
  const again: TrainOptions = { ...options, recompute: "on" };
  const leaner = await planMemory(backbone, task, method, again, { inUse: outlook.inUse, signal });
  note(
    `--recompute on, chosen for memory: activations ${megabytes(leaner.activations)}, for another forward pass in each step`,
  );
  if (isWhole || leaner.peak - leaner.inUse <= SHARE * available) return again;
  return inParts(await largestBatch(backbone, task, method, again, { free: SHARE * available, signal }), again);

  function inParts(fitting: number, others: TrainOptions): TrainOptions {
    const why = fitting > 0 ? "chosen so that it fits" : "the least there is, though by plan not even that fits";
    note(`--micro-batch ${fitting || 1}, ${why}: a batch is computed in parts, their gradients added up`);
    return { ...others, microBatch: fitting || 1 };
  }
}

/** What was decided for memory's sake, as flags. */
function memoryFlags(asked: TrainOptions, { microBatch, recompute }: TrainOptions): string[] {
  return [
    ...(microBatch === asked.microBatch ? [] : [`--micro-batch ${microBatch}`]),
    ...(recompute === asked.recompute ? [] : [`--recompute ${recompute}`]),
  ];
}

/** The batch that `--batch-size auto` stands for. */
export async function autoBatch(
  { signal, note }: Pick<CommandContext<unknown>, "signal" | "note">,
  backbone: Backbone,
  task: Task,
  method: Method,
  options: Omit<TrainOptions, "batchSize">,
): Promise<number> {
  const free = SHARE * memoryNow(backbone).available;
  const size = await largestBatch(backbone, task, method, options, { free, signal });
  note(
    size > 0
      ? `batch size ${size}: the largest power of two, up to 256, that fits the memory free now`
      : "batch size 1: by plan not even one example fits the memory free now",
  );
  return size || 1;
}

/** For people. */
export function describeMemory({ available, fittingBatch, ...plan }: MemoryOutlook): string {
  const { inUse, weights, activations, optimizer, cache, peak } = plan;
  const kept = cache > 0 ? `; ${megabytes(cache)} of frozen values beside it, in memory or on disk` : "";
  const warning =
    fittingBatch === undefined ? "" : `. Only ${megabytes(available)} are free: ${whatFits(fittingBatch)}`;
  return `at most some ${megabytes(peak)} of memory by plan: ${megabytes(inUse)} in use, weights ${megabytes(weights)}, activations ${megabytes(activations)}, optimizer ${megabytes(optimizer)}${kept}${warning}`;
}

const whatFits = (examples: number): string =>
  examples > 1
    ? `${examples} examples at once fit`
    : examples === 1
      ? "one example at a time fits"
      : "not even one example does";

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6).toLocaleString("en")} MB`;
