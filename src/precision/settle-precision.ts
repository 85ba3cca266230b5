import type { Backbone } from "../backbone/index.ts";
import type { BackbonePrecision } from "./at-precision.ts";
import { int8Limit } from "./int8-limit.ts";

/** Hidden size from which a step is bound by its products (measured: 1.2 times as fast at 96, 2.1 at 384 and 768). */
const WORTH_FROM = 256;

/**
 * What `auto` stands for: int8 where it was measured to be much faster and as good, which is on a CPU that adds up products of
 * bytes exactly, from hidden size 256 on; else fp32.
 */
export async function settlePrecision(
  { hiddenSize, runtime }: Pick<Backbone, "hiddenSize" | "runtime">,
  asked: BackbonePrecision | "auto",
): Promise<BackbonePrecision> {
  if (asked !== "auto") return asked;
  if (hiddenSize < WORTH_FROM || (await runtime.settleDevice()) !== "cpu") return "fp32";
  return (await int8Limit(runtime).catch(() => undefined)) === 127 ? "int8" : "fp32";
}
