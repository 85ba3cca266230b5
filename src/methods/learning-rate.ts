import type { Method } from "./method.ts";

/** Peak learning rate of adapters where none is asked for: that of docs/experiments.md. */
export const ADAPTER_LEARNING_RATE = 5e-3;

/**
 * Peak learning rate of a method where none is asked for, as a multiple of the adapters': one rate for all would be unfair, and
 * weights that were trained already diverge at what new ones need. Measured on the embedded model (docs/methods.md).
 */
export function learningRateOf(method: Method): number {
  if (method.kind === "weights") return ADAPTER_LEARNING_RATE * WEIGHTS[method.which];
  return ADAPTER_LEARNING_RATE * OTHERS[method.kind];
}

const WEIGHTS = { all: 0.04, biases: 1, norms: 1 } as const satisfies Record<string, number>;
const OTHERS = { adapters: 1, lora: 1, columns: 1 } as const satisfies Record<
  Exclude<Method["kind"], "weights">,
  number
>;
