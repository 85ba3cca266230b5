import { GraftError } from "../../base/index.ts";

/**
 * The sum of a gradient's singular values.
 * @throws GraftError NOT_FINITE
 */
export function finiteSum(singularValues: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < singularValues.length; k++) sum += singularValues[k]!;
  if (Number.isFinite(sum)) return sum;
  throw new GraftError("NOT_FINITE", {
    thing: "a gradient's singular values",
    place: `their sum is ${sum}`,
    remedy: "Look for a non-finite weight, input or loss before scoring",
  });
}
