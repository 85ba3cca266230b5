import { expect, test } from "vitest";
import { tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import { trainedTensors } from "../../test/support/tiny-runs.ts";
import { tinyBert } from "../../test/support/tiny-text.ts";
import type { Graph } from "../graph/index.ts";
import { HEAD_ALONE, type TunedSpec, tunedParameters } from "../methods/index.ts";
import type { Runtime, SessionOptions } from "../runtime/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { exportModel, measureLatency } from "./index.ts";

const { goal } = tinyTask();
const spec: TunedSpec = {
  method: { kind: "adapters", placement: [{ from: 4, to: 0, rank: 2 }], adapter: {} },
  goal,
};

test("base and exported model take turns in sessions as apps open them; medians are of the pairs", async () => {
  const opened: { graph: Graph; options?: SessionOptions }[] = [];
  const order: number[] = [];
  const runtime: Runtime = {
    ...nodeRuntime,
    async open(graph, options) {
      const at = opened.push({ graph, options }) - 1;
      const session = await nodeRuntime.open(graph, options);
      return {
        ...session,
        run: (...args) => {
          order.push(at);
          return session.run(...args);
        },
      };
    },
  };
  const backbone = { ...(await tinyPreNorm()), runtime };
  const model = { backbone, spec, tensors: trainedTensors(tunedParameters(backbone, spec), 1) };
  const { baseMs, tunedMs, ratio, pairs } = await measureLatency(model, { threads: 1, seconds: 0 });
  expect(pairs).toBe(6);
  expect(order).toEqual(Array.from({ length: 2 + pairs }, (_, k) => (k % 2 === 0 ? [0, 1] : [1, 0])).flat());
  for (const ms of [baseMs, tunedMs, ratio]) expect(ms).toBeGreaterThan(0);
  expect(opened.map(({ options }) => options)).toEqual(Array(2).fill({ threads: 1, asDeployed: true }));
  const nodes = (graph: Graph) => graph.nodes.map(({ op }) => op);
  const base = exportModel({ ...model, spec: { ...spec, method: HEAD_ALONE } });
  expect(opened.map(({ graph }) => nodes(graph))).toEqual([nodes(base), nodes(exportModel(model))]);
});

test("a model of texts is fed whole numbers", async () => {
  const backbone = await tinyBert();
  const model = { backbone, spec, tensors: trainedTensors(tunedParameters(backbone, spec), 1) };
  expect((await measureLatency(model, { threads: 1, seconds: 0, tokens: 7 })).pairs).toBe(6);
});
