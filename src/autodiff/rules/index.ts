import type { VjpRule } from "../rule.ts";
import * as activation from "./activation.ts";
import * as arithmetic from "./arithmetic.ts";
import * as convolution from "./convolution.ts";
import * as indexing from "./indexing.ts";
import * as linear from "./linear.ts";
import * as movement from "./movement.ts";
import * as normalization from "./normalization.ts";
import * as reduction from "./reduction.ts";

/** Every operator a gradient can pass, by name. */
export const rules = {
  ...activation,
  ...arithmetic,
  ...convolution,
  ...indexing,
  ...linear,
  ...movement,
  ...normalization,
  ...reduction,
} satisfies Record<string, VjpRule>;
