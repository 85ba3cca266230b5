import { type Backbone, subLayerFlops, traceBackbone } from "../backbone/index.ts";
import type { Task } from "../tasks/index.ts";
import { longest } from "../training/index.ts";
import type { BackboneFacts } from "./scores/score.ts";

/** Texts that are looked at for their length. */
const TEXTS = 256;

/** What null scores know; of texts, operations are counted at the length of the longest of the first training examples. */
export async function backboneFacts(backbone: Backbone, { train }: Task, signal?: AbortSignal): Promise<BackboneFacts> {
  const { states, hiddenSize } = backbone;
  const first = Uint32Array.from({ length: Math.min(TEXTS, train.count) }, (_, k) => k);
  const tokens = train.kind === "text" ? longest(train, first) : undefined;
  const traced = await traceBackbone(backbone, { batchSize: 1, tokens }, signal);
  const { before, subLayers } = subLayerFlops(backbone, traced);
  let sum = before;
  return { states: states.length, hiddenSize, flops: [before, ...subLayers.map((flops) => (sum += flops))] };
}
