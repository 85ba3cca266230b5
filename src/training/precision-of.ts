import type { Backbone } from "../backbone/index.ts";
import type { Method } from "../methods/index.ts";
import { type BackbonePrecision, settlePrecision } from "../precision/index.ts";
import type { TrainOptions } from "./options.ts";

/** The precision a training computes in. Where all weights are trained no product has a frozen one. */
export const precisionOf = (
  backbone: Backbone,
  method: Method,
  { backbonePrecision }: Pick<TrainOptions, "backbonePrecision">,
): Promise<BackbonePrecision> =>
  settlePrecision(
    backbone,
    method.kind === "weights" && method.which === "all" && backbonePrecision === "auto" ? "fp32" : backbonePrecision,
  );
