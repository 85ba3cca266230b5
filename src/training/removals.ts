import { type Edge, withoutEdge } from "../adapters/index.ts";
import type { Evaluation } from "../objective/index.ts";
import { packVectors } from "../parameters/index.ts";
import { atPrecision } from "../precision/index.ts";
import type { Split } from "../tasks/index.ts";
import type { CacheCall } from "./frozen-cache.ts";
import { openTrained } from "./open-forward.ts";
import type { Trained } from "./train.ts";

/**
 * Evaluate a trained placement as often as there are edges, each time without the adapter on one of them: what each is worth
 * beside the others. All other parameters stay, and products are computed as the training computed them.
 * @returns  an evaluation for each edge
 */
export async function evaluateWithout(
  { backbone, backbonePrecision, spec, tensors }: Trained,
  split: Split,
  edges: readonly Edge[],
  call: Omit<CacheCall, "precision"> = {},
): Promise<readonly Evaluation[]> {
  const lower = await atPrecision(backbone, backbonePrecision);
  const model = { backbone: lower.backbone, spec, tensors };
  const { layout, evaluate, release } = await openTrained(model, split, { ...call, precision: backbonePrecision });
  const results: Evaluation[] = [];
  try {
    for (const edge of edges) {
      results.push(await evaluate(packVectors(layout, withoutEdge(tensors, edge))));
      call.onProgress?.({ phase: "removals", done: results.length, total: edges.length, unit: "adapters" });
    }
    return results;
  } finally {
    await release();
  }
}
