import { expect, test } from "vitest";
import { fixtureGraph } from "../../test/support/fixtures.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { countEdges, inspectGraph } from "./inspect.ts";

test("25 states have 625 edges, each of one kind", () => {
  // The paper: n = 25, n² = 625; sequential n, parallel n − 1; below the diagonal n(n − 1)/2 recurrent ones.
  expect(countEdges(25)).toEqual({ total: 625, sequential: 25, parallel: 24, longRange: 276, recurrent: 300 });
});

test("a ViT is described with its parameters counted by hand", async () => {
  const { json, text } = await inspectGraph(fixtureGraph("vit-ts17"), nodeRuntime, {
    name: "vit",
    sizes: { image: { height: 8, width: 8 } },
  });
  const d = 16;
  const attention = 2 * d + 4 * (d * d + d);
  const feedForward = 2 * d + (d * 32 + 32) + (32 * d + d);
  const embeddings = 3 * 4 * 4 * d + d + d + 5 * d; // patches, their bias, class token, positions
  expect(json).toMatchObject({
    schema: 1,
    states: 5,
    blocks: 2,
    hiddenSize: d,
    tokens: 5,
    prefixTokens: 1,
    opset: 17,
    parameters: embeddings + 2 * (attention + feedForward) + 2 * d,
    inputs: [{ name: "pixel_values", dtype: "float32", shape: ["batch", 3, 8, 8] }],
    subLayers: [attention, feedForward, attention, feedForward].map((parameters) => ({ parameters })),
  });
  expect(text.split("\n")[0]).toBe(
    `vit: 2 pre-norm blocks, 5 hidden states, ${json.parameters.toLocaleString("en-US")} parameters, opset 17`,
  );
  expect(text).toContain("├─ features: norm of state 4, [batch, 5, 16]");
  expect(text).toContain("├─ state 2 → 3  attention     1,120 parameters");
  expect(text).toContain("25 = 5 sequential + 4 parallel + 6 long-range + 10 recurrent");
});

test("a text model needs no sizes, and shared weights are said to be shared", async () => {
  const { json, text } = await inspectGraph(fixtureGraph("albert-ts14"), nodeRuntime);
  expect(json).toMatchObject({ states: 5, normPosition: "post", prefixTokens: 0 });
  expect(text).toContain("block 1 (the weights of block 0)");
  // The file takes texts of any length: that of the trace is not theirs.
  expect(text).toContain("├─ embeddings → state 0, [batch, tokens, 16]");
});
