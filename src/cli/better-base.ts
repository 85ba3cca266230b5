import { GraftError } from "../base/index.ts";
import { readResult } from "./read-result.ts";
import { showMetric } from "./show-metric.ts";

/**
 * Refuse a trained model whose base did better on validation, as `graft train` found and wrote down.
 * @throws GraftError WORSE_THAN_BASE
 */
export async function refuseWorseThanBase(folder: string): Promise<void> {
  const { metric, validation, base, betterBase } = await readResult(folder);
  const measure = base?.find(({ name }) => name === betterBase);
  if (measure === undefined || metric === undefined || validation === undefined) return;
  // JSON writes a value that is not defined as null.
  const values = [measure.validation.value, validation.value].map((value) => value ?? Number.NaN);
  const [theirs, ours] = values.map((value) => showMetric(metric, value));
  throw new GraftError("WORSE_THAN_BASE", {
    thing: `model ${folder}`,
    place: `the frozen model with ${measure.name} does better on validation: ${metric} ${theirs}, the adapters ${ours}`,
    remedy:
      "Train it otherwise (another --place, more --epochs, a lower --learning-rate), or give --force to export it",
  });
}
