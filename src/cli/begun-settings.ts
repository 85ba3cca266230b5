import { folderCheckpoint, TrainOptions } from "../node.ts";
import { checkpointSettings } from "../training/index.ts";

/** Settings that the memory free when a run began may have decided; its bits depend on them. */
const MemorySettings = TrainOptions.pick({ batchSize: true, microBatch: true, recompute: true });
export type BegunSettings = Pick<TrainOptions, keyof typeof MemorySettings.shape>;

/**
 * What a run that is to go on has decided for memory, as its checkpoint says; undefined where a folder holds none.
 * @throws GraftError SAFETENSORS, FILE_*
 */
export async function begunSettings(folder: string): Promise<BegunSettings | undefined> {
  const bytes = await folderCheckpoint(folder).load();
  const saved = bytes && checkpointSettings(bytes);
  if (saved === undefined) return undefined;
  const { batchSize, microBatch, recompute } = saved;
  return MemorySettings.safeParse({ batchSize, microBatch, recompute }).data;
}

/** Settings with what a run decided where nothing else is asked for; another setting that is asked for is refused later. */
export function asBegun({ microBatch, recompute }: BegunSettings, asked: TrainOptions): TrainOptions {
  return {
    ...asked,
    microBatch: asked.microBatch ?? microBatch,
    recompute: asked.recompute === "auto" ? recompute : asked.recompute,
  };
}
