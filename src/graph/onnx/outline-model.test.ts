import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createBuilder, decodeModel, encodeModel, type Graph, hashGraph, tensorOf } from "../index.ts";
import { outlineModel } from "./outline-model.ts";

const LOCATION = "the-model";

/** A product with a big weight, a small one, and a constant in a node's attribute. */
function model(rows: number, columns: number): Graph {
  const g = createBuilder();
  const floats = (size: number) => new Float32Array(new Uint8Array(randomBytes(4 * size)).buffer);
  const product = g.matmul(
    g.input("x", "float32", [null, rows]),
    g.constant(tensorOf("float32", [rows, columns], floats(rows * columns)), "weight"),
  );
  g.rename(g.add(product, g.constant(tensorOf("float32", [columns], floats(columns)), "bias")), "y");
  return g.toGraph(["y"]);
}

const sourceOf = (bytes: Uint8Array) => {
  let most = 0;
  return {
    size: bytes.length,
    read(offset: number, length: number) {
      most = Math.max(most, length);
      return bytes.subarray(offset, offset + length);
    },
    most: () => most,
  };
};

test("an outline and the ranges it names are the model, and big weights are not read for it", async () => {
  const sizes = fc.record({ rows: fc.integer({ min: 1, max: 300 }), columns: fc.integer({ min: 1, max: 300 }) });
  await fc.assert(
    fc.asyncProperty(sizes, async ({ rows, columns }) => {
      const { bytes } = encodeModel(model(rows, columns));
      const source = sourceOf(bytes);
      const outline = outlineModel(source, LOCATION)!;
      const isBig = 4 * rows * columns >= 1 << 14;
      expect(outline.length < bytes.length).toBe(isBig);
      if (isBig) expect(source.most()).toBeLessThanOrEqual(1 << 16);
      const read = decodeModel(outline, { externalData: (name) => (name === LOCATION ? source : undefined) });
      expect(await hashGraph(read)).toBe(await hashGraph(decodeModel(bytes)));
    }),
    { seed: 3, numRuns: 40 },
  );
});

test("a message that is cut off or damaged has no outline, or one that is refused as the whole is", () => {
  const { bytes } = encodeModel(model(100, 100));
  for (let end = 0; end < bytes.length; end += 997)
    expect(outlineModel(sourceOf(bytes.subarray(0, end)), LOCATION) ?? "").toHaveLength(0);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
      const damaged = bytes.slice();
      damaged[at] = byte;
      const source = sourceOf(damaged);
      const outline = outlineModel(source, LOCATION);
      const decoded = (work: () => Graph) => {
        try {
          return [...work().initializers.keys()].join();
        } catch (error) {
          return (error as { code: string }).code;
        }
      };
      if (outline === undefined) return;
      const found = decoded(() => decodeModel(outline, { externalData: () => source }));
      expect(found).toBe(decoded(() => decodeModel(damaged)));
    }),
    { seed: 4, numRuns: 300 },
  );
});
