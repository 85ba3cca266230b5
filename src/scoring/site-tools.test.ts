import { expect, test } from "vitest";
import { jacobiSingularValues } from "../../test/support/jacobi-svd.ts";
import { randomMatrix } from "../../test/support/matrices.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { openSiteTools } from "./site-tools.ts";

test("singular values of tall and wide gradients are found in threads, one after the other", async () => {
  const tools = await openSiteTools(nodeRuntime, { threads: 2, operations: Number.POSITIVE_INFINITY });
  for (const [rows, columns] of [
    [30, 8],
    [8, 30],
    [30, 8],
  ] as const) {
    const gradient = Float32Array.from(randomMatrix(rows, columns, rows));
    const [found, expected] = [
      await tools.singularValues(gradient, rows, columns),
      jacobiSingularValues(gradient, rows, columns),
    ];
    expect(found).toHaveLength(8);
    for (let k = 0; k < 8; k++) expect(Math.abs(found[k]! - expected[k]!)).toBeLessThan(1e-6 * expected[0]!);
  }
  await tools.close();
});
