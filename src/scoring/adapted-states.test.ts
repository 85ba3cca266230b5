import { beforeAll, describe, expect, test } from "vitest";
import { TINY, tinyBackbones, tinyTask } from "../../test/support/tiny-backbone.ts";
import { relativeError, runOnce, trainedTensors } from "../../test/support/tiny-runs.ts";
import { type AdapterOptions, adapterParameters, type Placement } from "../adapters/index.ts";
import { differentiate } from "../autodiff/index.ts";
import { type Backbone, traceBackbone } from "../backbone/index.ts";
import { createBuilder, prune, tensorOf } from "../graph/index.ts";
import { methodOf, tunedOutput, upToFeatures } from "../methods/index.ts";
import { headParameters, lossOf, pooledSize } from "../objective/index.ts";
import { stepFeeds, type TunedModel } from "../training/index.ts";
import { edgeColumns } from "./edge-gradients.ts";
import { scoreEdges } from "./score-edges.ts";

const d = TINY.hiddenSize;
const n = 2 * TINY.blocks + 1;
const task = tinyTask({ train: 8 });
const indices = Uint32Array.from({ length: 8 }, (_, k) => k);

/** Adapters without norm, bias, factor and activation: one with W_down the identity and W_up zero is the score's linear adapter. */
const linear = { activation: "none", norm: false, bias: false, scale: "none" } as const satisfies AdapterOptions;

// A sequential one, edges into the same state, one past it, and a recurrent one.
const placement: Placement = [
  { from: 2, to: 2, rank: 2 },
  { from: 0, to: 2, rank: 2 },
  { from: 3, to: 1, rank: 2 },
  { from: 2, to: 4, rank: 2 },
];

function trainedModel(backbone: Backbone): TunedModel {
  const parameters = [
    ...adapterParameters(placement, d, linear),
    ...headParameters(pooledSize(d, backbone.pooling), task.goal.classes.length),
  ];
  const spec = { method: methodOf(backbone, placement, linear), goal: task.goal };
  return { backbone, spec, tensors: trainedTensors(parameters, 4) };
}

/** ∂L/∂W_up of a further adapter that is really inserted beside the trained ones, by the training graph's own means. */
async function gradientOfInserted(model: TunedModel, from: number, to: number): Promise<Float32Array> {
  const { backbone } = model;
  const graph = upToFeatures(backbone, await traceBackbone(backbone, { batchSize: 8 }));
  const g = createBuilder(graph);
  const weight = g.input("W", "float32", [d, d]);
  const identity = Float32Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? 1 : 0));
  const tensors = new Map([
    ...[...model.tensors].map(([name, tensor]) => [name, g.constant(tensor, name)] as const),
    [`adapters.${from}-${to}.down.weight`, g.constant(tensorOf("float32", [d, d], identity), "identity")],
    [`adapters.${from}-${to}.up.weight`, weight],
  ]);
  const method = methodOf(backbone, [...placement, { from, to, rank: d }], linear);
  const output = tunedOutput(g, backbone, graph, { method, goal: task.goal }, tensors);
  const targets = g.input("targets", "float32", [8, task.goal.classes.length]);
  const loss = lossOf(g, task.goal, output, targets, g.input("weights", "float32", [8]), 1);
  const [gradient] = differentiate(g, loss, [weight]);
  g.rename(gradient!, "gradient");
  const feeds = stepFeeds(task.goal, { split: task.train, indices, input: backbone.input, batchSize: 8 });
  const zero = { dtype: "float32", shape: [d, d], data: new Float32Array(d * d) } as const;
  return (await runOnce(prune(g.toGraph(["gradient"])), { ...feeds, W: zero })).gradient!;
}

describe.each(Object.entries(tinyBackbones))("%s, behind trained adapters", (_, open) => {
  let model: TunedModel;
  const gradients = new Map<string, Float32Array>();
  beforeAll(async () => {
    model = trainedModel(await open());
    const head = new Map([...model.tensors].filter(([name]) => name.startsWith("head.")));
    await edgeColumns(
      model.backbone,
      task,
      indices,
      head,
      ({ to, gradients: column }) => {
        for (let from = 0; from < n; from++)
          gradients.set(`${from}-${to}`, column.slice(from * d * d, (from + 1) * d * d));
      },
      { threads: 1, after: model },
    );
  });

  // Edges into the state with the sequential adapter, from it, recurrent ones, one beside the recurrent adapter.
  test.each([
    [1, 2],
    [4, 2],
    [2, 3],
    [4, 0],
    [1, 1],
    [3, 3],
    [0, 4],
  ])("the gradient of edge (%i, %i) is that of an adapter really added", async (from, to) => {
    const expected = await gradientOfInserted(model, from, to);
    expect(Math.hypot(...expected)).toBeGreaterThan(1e-4);
    expect(relativeError(gradients.get(`${from}-${to}`)!, expected)).toBeLessThan(1e-5);
  });

  test("scores differ from the plain backbone's, and say that the head is the trained one", async () => {
    const scores = await scoreEdges(model.backbone, task, { after: model, examples: 8, threads: 1 });
    const plain = await scoreEdges(model.backbone, task, { examples: 4, threads: 1 });
    expect(scores.head).toBe("trained");
    expect(scores.tieBreak).not.toEqual(plain.tieBreak);
    await expect(
      scoreEdges(model.backbone, task, { after: model, examples: 4, score: "fisher" }),
    ).rejects.toMatchObject({
      code: "SCORE_UNSUITED",
    });
  });
});
