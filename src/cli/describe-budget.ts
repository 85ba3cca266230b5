import type { Selection } from "../selection/index.ts";

/** What people are told of a selection under a budget: what it costs, and what no longer fitted. Nothing without one. */
export function describeBudget({ placement, cost, unfilled = 0 }: Selection): readonly string[] {
  if (!cost) return [];
  const { parameters, latency } = cost;
  const compute = latency === undefined ? "" : `, about ${latency.toFixed(2)} × the operations of the plain model`;
  const passedOver =
    unfilled === 0 ? "" : `; of ${placement.length + unfilled} edges asked for, ${unfilled} did not fit the budget`;
  return [`${placement.length} adapters with ${parameters.toLocaleString("en")} parameters${compute}${passedOver}`];
}
