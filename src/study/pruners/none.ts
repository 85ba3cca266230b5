import * as z from "zod";
import type { PrunerKind } from "./pruner.ts";

const options = z.strictObject({});

export const nonePruner: PrunerKind<typeof options> = {
  summary: "every trial is trained to its end",
  source: "-",
  options,
  shouldPrune: () => false,
};
