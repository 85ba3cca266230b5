import { adapterParameters, DEFAULT_RANK } from "../../adapters/index.ts";
import type { Score } from "./score.ts";

/** Trainable numbers of an adapter of default rank on the edge: the same on every edge, so that a draw decides. */
export const parametersScore = {
  summary: "trainable parameters of an adapter on the edge",
  source: "null score: more parameters are better",
  ofEdge: (edge, { hiddenSize }) =>
    adapterParameters([{ ...edge, rank: DEFAULT_RANK }], hiddenSize).reduce(
      (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
      0,
    ),
  ofSite: ({ inSize, outSize }) => DEFAULT_RANK * (inSize + outSize),
} as const satisfies Score;
