import { type Goal, outputNames } from "../tasks/index.ts";

/** A class and how likely the model holds it. */
export interface LikelyClass {
  readonly label: string;
  readonly probability: number;
}

/** What a row of a model's outputs says: classes, likeliest first, or numbers by name. */
export type Answer =
  | { readonly classes: readonly LikelyClass[] }
  | { readonly numbers: Readonly<Record<string, number>> };

/**
 * Read a row of outputs: softmax over classes and tags, a sigmoid for each of `multi_label`, numbers as they are.
 * @param outputs  [outputs], as `outputsOf` gives them; not of embeddings
 */
export function answerOf(goal: Goal, outputs: Float32Array): Answer {
  const names = outputNames(goal);
  if (goal.kind === "regress") return { numbers: Object.fromEntries(names.map((name, k) => [name, outputs[k]!])) };
  const probabilities =
    goal.kind === "multi_label" ? Array.from(outputs, (logit) => 1 / (1 + Math.exp(-logit))) : softmax(outputs);
  const classes = names.map((label, k) => ({ label, probability: probabilities[k]! }));
  return { classes: classes.sort((a, b) => b.probability - a.probability) };
}

function softmax(logits: Float32Array): number[] {
  const max = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = Array.from(logits, (logit) => Math.exp(logit - max));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
