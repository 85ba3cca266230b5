import { expect, test } from "vitest";
import { floats, normals, relativeError, runOnce } from "../../test/support/tiny-runs.ts";
import { createBuilder, tensorOf } from "../graph/index.ts";
import { sessionMemory } from "../runtime/index.ts";
import { differentiate } from "./index.ts";

const [ROWS, WIDTH, INNER, BLOCKS] = [32, 8, 64, 6];

/** BLOCKS times x + tanh(x · down) · up, all `up` trained; the loss is the mean square. */
function gradientGraph(recompute: boolean) {
  const g = createBuilder();
  const trained = [];
  let x = g.input("x", "float32", [ROWS, WIDTH]);
  for (let k = 0; k < BLOCKS; k++) {
    const down = g.constant(tensorOf("float32", [WIDTH, INNER], normals(WIDTH * INNER, k)), `down${k}`);
    const up = g.input(`up${k}`, "float32", [INNER, WIDTH]);
    trained.push(up);
    x = g.add(x, g.matmul(g.tanh(g.matmul(x, down)), up));
  }
  const gradients = differentiate(g, g.reduceSum(g.mul(x, x), [0, 1], false), trained, { recompute });
  return g.toGraph(gradients.map((gradient, k) => g.rename(gradient, `d${k}`).name));
}

const feeds = {
  x: floats([ROWS, WIDTH], normals(ROWS * WIDTH, 50)),
  ...Object.fromEntries(
    Array.from({ length: BLOCKS }, (_, k) => [
      `up${k}`,
      floats(
        [INNER, WIDTH],
        normals(INNER * WIDTH, 60 + k).map((number) => 0.05 * number),
      ),
    ]),
  ),
};

test("what is computed again gives the same gradients", async () => {
  const [kept, again] = [await runOnce(gradientGraph(false), feeds), await runOnce(gradientGraph(true), feeds)];
  for (let k = 0; k < BLOCKS; k++) expect(relativeError(again[`d${k}`]!, kept[`d${k}`]!)).toBeLessThan(1e-6);
});

test("each block but the last is computed twice, but for the first one's frozen part, and memory holds one block's inner values, not all", () => {
  const [kept, again] = [gradientGraph(false), gradientGraph(true)];
  const count = (graph: typeof kept) => graph.nodes.filter(({ op }) => op === "Tanh").length;
  expect([count(kept), count(again)]).toEqual([BLOCKS, 2 * BLOCKS - 2]);
  const fixed = 4 * (2 * BLOCKS * INNER * WIDTH); // parameters and gradients
  const inner = 4 * ROWS * INNER;
  expect(sessionMemory(kept).values - fixed).toBeGreaterThanOrEqual(BLOCKS * inner);
  expect(sessionMemory(again).values - fixed).toBeLessThan((BLOCKS - 1) * inner);
});
