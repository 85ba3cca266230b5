import type { Backbone } from "../backbone/index.ts";
import type { Method } from "./method.ts";

/** Peak learning rate of adapters where none is asked for, on a model of hidden size 96: that of docs/experiments.md. */
export const ADAPTER_LEARNING_RATE = 5e-3;

/** Hidden size of the model it was chosen on. */
const MEASURED_SIZE = 96;

/**
 * Peak learning rate of a method where none is asked for: a multiple of the adapters', for one rate for all would be unfair and
 * weights that were trained already diverge at what new ones need; and in inverse proportion to the hidden size beyond 96,
 * for an update of Adam's changes a product by the rate times the number of its terms (Yang et al. 2022). At size 384 adapters
 * then get 1.25e-3, at 768 6e-4 and full fine-tuning 2.5e-5. Measured in docs/methods.md.
 */
export function learningRateOf(method: Method, { hiddenSize }: Pick<Backbone, "hiddenSize">): number {
  const share = method.kind === "weights" ? WEIGHTS[method.which] : OTHERS[method.kind];
  return ADAPTER_LEARNING_RATE * share * Math.min(1, MEASURED_SIZE / hiddenSize);
}

const WEIGHTS = { all: 0.04, biases: 1, norms: 1 } as const satisfies Record<string, number>;
const OTHERS = { adapters: 1, lora: 1, columns: 1 } as const satisfies Record<
  Exclude<Method["kind"], "weights">,
  number
>;
