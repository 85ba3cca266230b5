import { GraftError } from "../base/index.ts";
import { createBuilder, tensorOf } from "../graph/index.ts";
import type { Runtime } from "../runtime/index.ts";
import type { WeightLimit } from "./int8-weights.ts";

const limits = new WeakMap<Runtime, Promise<WeightLimit>>();

/**
 * The largest int8 weight whose products a runtime adds up exactly on this processor. Without instructions for such sums
 * (VNNI, and their kin), two products of an unsigned and a signed byte meet in 16 bits, and 2 · 255 · 127 is cut off:
 * weights up to 63 then fit. Asked once of each runtime, of the largest numbers there are.
 * @throws GraftError INT8_PRODUCTS if neither comes out exactly
 */
export function int8Limit(runtime: Runtime): Promise<WeightLimit> {
  let limit = limits.get(runtime);
  if (limit === undefined) {
    limit = findLimit(runtime);
    limits.set(runtime, limit);
  }
  return limit;
}

async function findLimit(runtime: Runtime): Promise<WeightLimit> {
  for (const limit of [127, 63] as const) if (await isExact(runtime, limit)) return limit;
  throw new GraftError("INT8_PRODUCTS", {
    thing: "int8 products",
    place: `the runtime "${runtime.name}" does not compute them exactly on this processor`,
    remedy: 'Train with backbonePrecision "fp32" (`--backbone-precision fp32`)',
  });
}

const [ROWS, INNER, COLUMNS] = [4, 64, 32];

async function isExact(runtime: Runtime, limit: WeightLimit): Promise<boolean> {
  const g = createBuilder();
  const x = g.input("x", "uint8", [ROWS, INNER]);
  const weights = Int8Array.from({ length: INNER * COLUMNS }, (_, k) => (k % 2 === 0 ? limit : -limit));
  const one = g.scalar(1);
  const inputs = [x, g.constant(tensorOf("int8", [INNER, COLUMNS], weights)), one, one];
  g.rename(g.op("MatMulIntegerToFloat", inputs, {}, { domain: "com.microsoft" }), "y");
  const session = await runtime.open(g.toGraph(["y"]));
  try {
    const data = new Uint8Array(ROWS * INNER).fill(255);
    const { y: found } = await session.run({ x: { dtype: "uint8", shape: [ROWS, INNER], data } });
    const expected = INNER * 255 * limit;
    return (found!.data as Float32Array).every((sum, k) => sum === (k % 2 === 0 ? expected : -expected));
  } finally {
    await session.release();
  }
}
