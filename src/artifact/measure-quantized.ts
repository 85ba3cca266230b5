import { evaluateOutputs } from "../objective/index.ts";
import { type Goal, outputNames, type Split } from "../tasks/index.ts";
import { type EvaluateOptions, outputsOf, type TunedModel } from "../training/index.ts";
import { quantizeExport } from "./quantize-export.ts";

/** What int8 weights do to a model's answers. */
export interface Quantized {
  /** Share of answers that are the same class; absent where answers are numbers or embeddings. */
  readonly same?: number;
  /** ‖quantised − float‖ / ‖float‖ over all outputs. */
  readonly difference: number;
  /** The goal's metric, of both. */
  readonly float: number;
  readonly quantized: number;
  readonly examples: number;
}

/**
 * Answers of a trained model to a split, as it is and with the weights that `quantizeExport` gives it.
 * @throws GraftError NOTHING_TO_QUANTIZE, and what `outputsOf` throws
 */
export async function measureQuantized(
  model: TunedModel,
  split: Split,
  options: EvaluateOptions = {},
): Promise<Quantized> {
  const { goal } = model.spec;
  const ours = await outputsOf(model, split, options);
  const theirs = await outputsOf(quantizeExport(model), split, options);
  return {
    ...agreementOf(goal, ours, theirs),
    float: evaluateOutputs(goal, split, ours).value,
    quantized: evaluateOutputs(goal, split, theirs).value,
    examples: split.count,
  };
}

function agreementOf(goal: Goal, ours: Float32Array, theirs: Float32Array): Pick<Quantized, "same" | "difference"> {
  const squared = (at: (k: number) => number) => ours.reduce((sum, _, k) => sum + at(k) ** 2, 0);
  const difference = Math.sqrt(squared((k) => theirs[k]! - ours[k]!) / squared((k) => ours[k]!));
  const width = outputNames(goal).length;
  if (goal.kind === "multi_label")
    return { same: ours.filter((value, k) => value > 0 === theirs[k]! > 0).length / ours.length, difference };
  if (goal.kind !== "classify" && goal.kind !== "tokens") return { difference };
  const best = (row: Float32Array) => row.indexOf(Math.max(...row));
  const rows = Array.from({ length: ours.length / width }, (_, row) => row * width);
  const isSame = (from: number) =>
    best(ours.subarray(from, from + width)) === best(theirs.subarray(from, from + width));
  return { same: rows.filter(isSame).length / rows.length, difference };
}
