import { formatPlacement } from "../adapters/index.ts";
import { metricName, type Task } from "../node.ts";
import type { CountPoint, Selection, SelectionTrial } from "../selection/index.ts";
import type { CommandContext } from "./define-command.ts";
import { showMetric } from "./show-metric.ts";

/** What people are told of a selection under a budget: what it costs, and what no longer fitted. Nothing without one. */
export function describeBudget({ placement, cost, unfilled = 0 }: Selection): readonly string[] {
  if (!cost) return [];
  const { parameters, latency } = cost;
  const compute = latency === undefined ? "" : `, about ${latency.toFixed(2)} × the operations of the plain model`;
  const passedOver =
    unfilled === 0 ? "" : `; of ${placement.length + unfilled} edges asked for, ${unfilled} did not fit the budget`;
  return [`${adapters(placement.length)} with ${parameters.toLocaleString("en")} parameters${compute}${passedOver}`];
}

/** Tells of each training that helps to choose. */
export function onTrial(
  { line, note }: Pick<CommandContext<unknown>, "line" | "note">,
  task: Task,
  trainings: number,
): (trial: SelectionTrial) => void {
  const metric = metricName(task.goal);
  let done = 0;
  return (trial) => {
    line("trial", trial);
    const { placement, seed, validation, seconds } = trial;
    const about = `trial ${++done} of ${trainings}: ${adapters(placement.length)}, seed ${seed}`;
    note(`${about}: validation ${metric} ${showMetric(metric, validation.value)} (${seconds.toFixed(1)} s)`);
    if (placement.length > 0) note(`  on ${formatPlacement(placement)}`);
  };
}

/** The curve behind `auto`'s choice, a line a number of adapters. */
export const describeCurve = (curve: readonly CountPoint[], metric: string): string[] =>
  curve.map(({ count, values, behind, error }) => {
    const mean = showMetric(metric, values.reduce((a, b) => a + b, 0) / values.length);
    const gap = behind === 0 ? "as good as the best" : `${showMetric(metric, behind)} behind the best`;
    const spread = Number.isNaN(error) || behind === 0 ? "" : ` (standard error ${showMetric(metric, error)})`;
    return `${adapters(count)}: validation ${metric} ${mean}, ${gap}${spread}`;
  });

const adapters = (count: number) => `${count} ${count === 1 ? "adapter" : "adapters"}`;
