import { isShare } from "../objective/index.ts";

/** A metric's value for people: accuracies in percent, correlations and the like as they are. */
export const showMetric = (name: string, value: number): string =>
  isShare(name) ? `${(100 * value).toFixed(1)} %` : value.toFixed(3);
