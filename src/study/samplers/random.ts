import * as z from "zod";
import { candidateOf, drawPoint } from "./draw.ts";
import type { SamplerKind } from "./sampler.ts";

const options = z.strictObject({});

/** Every draw by itself, so that all of them together are a sample of the space, repeats included. */
export const randomSampler: SamplerKind<typeof options> = {
  summary: "uniform draws, each by itself: the band that others are measured against",
  source: "the paper's random placements (Nowak et al. 2024); Bergstra and Bengio 2012",
  needsScores: false,
  adaptive: false,
  distinct: false,
  options,
  suggest: ({ space, random }) => candidateOf(drawPoint(space, random)),
};
