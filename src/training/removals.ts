import { type Edge, withoutEdge } from "../adapters/index.ts";
import type { Evaluation } from "../objective/index.ts";
import { packVectors } from "../parameters/index.ts";
import type { Split } from "../tasks/index.ts";
import type { TunedModel } from "./evaluate.ts";
import type { CacheCall } from "./frozen-cache.ts";
import { openTrained } from "./open-forward.ts";

/**
 * Evaluate a trained placement as often as there are edges, each time without the adapter on one of them: what each is worth
 * beside the others. All other parameters stay.
 * @returns  an evaluation for each edge
 */
export async function evaluateWithout(
  model: TunedModel,
  split: Split,
  edges: readonly Edge[],
  call: CacheCall = {},
): Promise<readonly Evaluation[]> {
  const { layout, evaluate, release } = await openTrained(model, split, call);
  const results: Evaluation[] = [];
  try {
    for (const edge of edges) {
      results.push(await evaluate(packVectors(layout, withoutEdge(model.tensors, edge))));
      call.onProgress?.({ phase: "removals", done: results.length, total: edges.length, unit: "adapters" });
    }
    return results;
  } finally {
    await release();
  }
}
