import type { Edge } from "../adapters/index.ts";
import { GraftError } from "../base/index.ts";
import { pickHighest } from "./pick-highest.ts";
import type { Selector } from "./selector.ts";

/** The paper's γ. */
export const DEFAULT_GAMMA = 0.6;

/** The algorithm behind `gga`, for the table. */
export const ggaSelector: Selector = {
  usage: "gga:3",
  summary: "the 3 edges that gradient-guided selection takes",
  counted: true,
  seeded: true,
  needsScores: true,
  from: { edges: "edges", count: (states) => states * states },
  choose: (request) => pickHighest(request.scores!, request, ggaDiscount(request.gamma)),
};

/** What a chosen edge leaves of another's score: 1 − γ^d₁. Throws GAMMA_OUT_OF_RANGE. */
export function ggaDiscount(gamma = DEFAULT_GAMMA): (taken: Edge, other: Edge) => number {
  checkGamma(gamma);
  return (taken, other) => 1 - gamma ** (Math.abs(other.from - taken.from) + Math.abs(other.to - taken.to));
}

function checkGamma(gamma: number): void {
  if (gamma >= 0 && gamma < 1) return;
  throw new GraftError("GAMMA_OUT_OF_RANGE", {
    thing: `gamma ${gamma}`,
    place: "GGA discounts the neighbours of a chosen edge by 1 − gamma^distance",
    remedy: `Choose 0 (no discount) or more, and less than 1; the default is ${DEFAULT_GAMMA}`,
  });
}
