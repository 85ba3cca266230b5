import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TINY, tinyBackbones, tinyTask } from "../../test/support/tiny-backbone.ts";
import { pixelsFor, relativeError, runOnce, trainedTensors } from "../../test/support/tiny-runs.ts";
import { exportModel } from "../artifact/index.ts";
import { createBuilder, type Graph, prune } from "../graph/index.ts";
import { type TunedSpec, tunedOutput, tunedParameters, upToFeatures } from "../methods/index.ts";
import { type AdapterOptions, type Placement, parsePlacement } from "./index.ts";

const n = 2 * TINY.blocks + 1;
const { goal } = tinyTask();
const specOf = (placement: Placement, adapter: AdapterOptions): TunedSpec => ({
  method: { kind: "adapters", placement, adapter },
  goal,
});
const count = (graph: Graph, op: string) => graph.nodes.filter((node) => node.op === op).length;

const anyPlacement: fc.Arbitrary<Placement> = fc.uniqueArray(
  fc.record({ from: fc.nat(n - 1), to: fc.nat(n - 1), rank: fc.integer({ min: 1, max: 5 }) }),
  { selector: ({ from, to }) => from * n + to, minLength: 1, maxLength: 6 },
);
const anyOptions: fc.Arbitrary<AdapterOptions> = fc.record({
  activation: fc.constantFrom("gelu", "relu", "tanh", "none"),
  norm: fc.boolean(),
  bias: fc.boolean(),
  scale: fc.constantFrom("scalar", "channel", "none"),
  factor: fc.constantFrom(1, 0.1),
});

describe.each(Object.entries(tinyBackbones))("%s", (_, open) => {
  test("an exported model answers as the trained one does, but for rounding", async () => {
    const backbone = await open();
    const feeds = pixelsFor(backbone, 3, 5);
    await fc.assert(
      fc.asyncProperty(anyPlacement, anyOptions, fc.nat(1000), async (placement, adapter, seed) => {
        const spec = specOf(placement, adapter);
        const tensors = trainedTensors(tunedParameters(backbone, spec), seed);
        const graph = upToFeatures(backbone, backbone.graph);
        const g = createBuilder(graph);
        const constants = new Map([...tensors].map(([name, tensor]) => [name, g.constant(tensor, name)]));
        const plain = g.rename(tunedOutput(g, backbone, graph, spec, constants), "plain").name;
        const expected = (await runOnce(prune(g.toGraph([plain])), feeds)).plain!;
        const { logits } = await runOnce(exportModel({ backbone, spec, tensors }), feeds);
        expect(relativeError(logits!, expected)).toBeLessThan(1e-5);
      }),
      { seed: 1, numRuns: 15 },
    );
  });

  test("no factor is left, and adapters that read one state share one norm", async () => {
    const backbone = await open();
    const exported = (placement: Placement) => {
      const spec = specOf(placement, {});
      return exportModel({ backbone, spec, tensors: trainedTensors(tunedParameters(backbone, spec), 1) });
    };
    const base = exported([]); // the head alone
    const three = exported(parsePlacement("0-1,0-2,0-4", { states: n }));
    expect(count(three, "Mul")).toBe(count(base, "Mul"));
    expect(count(three, "LayerNormalization")).toBe(count(base, "LayerNormalization") + 1);
    expect(count(exported(parsePlacement("0-1,1-2", { states: n })), "LayerNormalization")).toBe(
      count(base, "LayerNormalization") + 2,
    );
  });
});
