import { expect, test } from "vitest";
import { jacobiSingularValues } from "../../test/support/jacobi-svd.ts";
import { tinyPostNorm, tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import { numbersOf, runOnce, trainedTensors } from "../../test/support/tiny-runs.ts";
import { tinyBert, tinyText, tinyTextTask } from "../../test/support/tiny-text.ts";
import type { AdapterOptions, PlacedEdge } from "../adapters/index.ts";
import { differentiate } from "../autodiff/index.ts";
import { type Backbone, traceBackbone } from "../backbone/index.ts";
import { createBuilder, prune, tensorOf } from "../graph/index.ts";
import { headWidth, methodOf, startTensors, tunedOutput, upToFeatures } from "../methods/index.ts";
import { headParameters, lossOf, targetShapes } from "../objective/index.ts";
import { outputNames, type Task } from "../tasks/index.ts";
import { dataStart } from "./data-start.ts";
import { inputFeeds, longest, stepFeeds } from "./feeds.ts";
import type { Head } from "./fit-head.ts";
import { train } from "./train.ts";

const d = 16;
const rank = 3;
const options = { seed: 4, threads: 1 };

const headOf = (backbone: Backbone, { goal }: Task): Head =>
  trainedTensors(headParameters(headWidth(backbone, goal), outputNames(goal).length), 9);

async function startOf(backbone: Backbone, task: Task, edge: PlacedEdge, adapter: AdapterOptions) {
  const spec = { method: methodOf(backbone, [edge], adapter), goal: task.goal };
  const tensors = await dataStart(backbone, task, spec, options, headOf(backbone, task));
  const drawn = startTensors(backbone, spec.method, options.seed);
  const name = `adapters.${edge.from}-${edge.to}.down.weight`;
  for (const [other, tensor] of drawn) if (other !== name) expect(tensors.get(other), other).toEqual(tensor);
  const [down, before] = [numbersOf(tensors.get(name)!), numbersOf(drawn.get(name)!)];
  return { down, before };
}

/** Lengths of the rows of M · w for the first columns of W_down, w brought to length 1. */
function gains(rows: readonly ArrayLike<number>[], down: Float32Array, columns: number): number[] {
  return Array.from({ length: columns }, (_, k) => {
    const w = Array.from({ length: d }, (_, at) => down[at * (down.length / d) + k]!);
    const length = Math.hypot(...w);
    const products = rows.map((row) => w.reduce((sum, x, at) => sum + (x / length) * row[at]!, 0));
    return Math.hypot(...products);
  });
}

/** A state of every token of every training example, each run alone so that nothing is padded; normed and centred. */
async function tokensOf(backbone: Backbone, { train: split }: Task, state: number): Promise<number[][]> {
  const name = backbone.states[state]!;
  const graph = prune({ ...backbone.graph, outputs: [name] });
  const rows: number[][] = [];
  for (let k = 0; k < split.count; k++) {
    const indices = Uint32Array.of(k);
    const tokens = split.kind === "text" ? longest(split, indices) : undefined;
    const { [name]: x } = await runOnce(
      graph,
      inputFeeds({ split, indices, input: backbone.input, batchSize: 1, tokens }),
    );
    for (let at = 0; at < x!.length; at += d) rows.push(normed([...x!.subarray(at, at + d)]));
  }
  const mean = rows[0]!.map((_, at) => rows.reduce((sum, row) => sum + row[at]!, 0) / rows.length);
  return rows.map((row) => row.map((x, at) => x - mean[at]!));
}

function normed(x: number[]): number[] {
  const mean = x.reduce((a, b) => a + b) / d;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / d;
  return x.map((value) => (value - mean) / Math.sqrt(variance + 1e-5));
}

const pictures = tinyTask({ train: 9 });
const texts = () =>
  tinyTextTask(
    Array.from({ length: 30 }, (_, k) => ({
      text: tinyText(k)
        .split(" ")
        .slice(0, 2 + (k % 4))
        .join(" "),
      label: `${k % 3}`,
    })),
  );

test.each([
  ["pictures", tinyPreNorm, async () => pictures, { from: 2, to: 3, rank }],
  ["a sequential adapter in a post-norm net", tinyPostNorm, async () => pictures, { from: 1, to: 1, rank }],
  ["texts of several lengths", tinyBert, texts, { from: 3, to: 0, rank }],
] as const)(
  "states, %s: columns take the largest spreads of what the adapter reads, in order",
  async (_, open, openTask, edge) => {
    const [backbone, task] = [await open(), await openTask()];
    const { down, before } = await startOf(backbone, task, edge, { start: "states", initScale: 0.5 });
    const rows = await tokensOf(backbone, task, edge.from);
    const sigma = jacobiSingularValues(rows.flat(), rows.length, d);
    const found = gains(rows, down, rank);
    for (let k = 0; k < rank; k++) {
      expect(Math.abs(found[k]! / sigma[k]! - 1)).toBeLessThan(1e-4);
      // As long as asked for, and turned as the drawn column's first number says.
      const column = Array.from({ length: d }, (_, at) => down[at * rank + k]!);
      expect(Math.hypot(...column)).toBeCloseTo(0.5, 5);
    }
    expect(gains(rows, before, rank)[0]!).toBeLessThan(0.98 * sigma[0]!);
  },
);

/** xᵀ · ∂L/∂x of an edge: the gradient of W_up where W_down is the identity, by the training graph's own means. */
async function edgeGradient(backbone: Backbone, task: Task, { from, to }: PlacedEdge, adapter: AdapterOptions) {
  const batchSize = task.train.count;
  const graph = upToFeatures(backbone, await traceBackbone(backbone, { batchSize }));
  const g = createBuilder(graph);
  const identity = Float32Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? 1 : 0));
  const weight = g.input("W", "float32", [d, d]);
  const tensors = new Map([
    ...[...headOf(backbone, task)].map(([name, tensor]) => [name, g.constant(tensor, name)] as const),
    [`adapters.${from}-${to}.down.weight`, g.constant(tensorOf("float32", [d, d], identity), "identity")],
    [`adapters.${from}-${to}.up.weight`, weight],
  ]);
  const { goal, train: split } = task;
  const output = tunedOutput(
    g,
    backbone,
    graph,
    { method: methodOf(backbone, [{ from, to, rank: d }], adapter), goal },
    tensors,
  );
  const shapes = targetShapes(goal, { batchSize });
  const targets = g.input("targets", "float32", shapes.targets!);
  const loss = lossOf(g, goal, output, targets, g.input("weights", "float32", shapes.weights), 1);
  const [gradient] = differentiate(g, loss, [weight]);
  g.rename(gradient!, "gradient");
  const indices = Uint32Array.from({ length: batchSize }, (_, k) => k);
  const feeds = stepFeeds(goal, { split, indices, input: backbone.input, batchSize });
  const zero = { dtype: "float32", shape: [d, d], data: new Float32Array(d * d) } as const;
  return (await runOnce(prune(g.toGraph(["gradient"])), { ...feeds, W: zero })).gradient!;
}

const linear = { activation: "none", norm: false, bias: false, scale: "none" } as const satisfies AdapterOptions;

test.each([
  ["a recurrent edge", tinyPreNorm, { from: 3, to: 1, rank }, {}],
  ["a sequential edge inside its branch", tinyPreNorm, { from: 2, to: 2, rank }, { insideBranch: true }],
  ["an edge into the sum before a norm", tinyPostNorm, { from: 1, to: 3, rank }, { beforeNorm: true }],
] as const)("gradient, %s: columns take its largest singular values, in order", async (_, open, edge, more) => {
  const backbone = await open();
  const adapter = { ...linear, ...more, start: "gradient" } as const;
  const { down } = await startOf(backbone, pictures, edge, adapter);
  const gradient = await edgeGradient(backbone, pictures, edge, adapter);
  const sigma = jacobiSingularValues(gradient, d, d);
  const columns = Array.from({ length: d }, (_, column) =>
    Array.from({ length: d }, (_, row) => gradient[row * d + column]!),
  );
  const found = gains(columns, down, rank);
  for (let k = 0; k < rank; k++) expect(Math.abs(found[k]! / sigma[k]! - 1)).toBeLessThan(1e-4);
});

test("training starts from them, alike each time, and otherwise than from a draw", async () => {
  const backbone = await tinyPreNorm();
  const run = (start: "default" | "states" | "gradient", learningRate = 5e-3) =>
    train(backbone, pictures, [{ from: 2, to: 3, rank: 20 }], {
      adapter: { start },
      options: { epochs: 1, threads: 1, learningRate },
    });
  const [drawn, states, again, gradient] = [
    await run("default"),
    await run("states"),
    await run("states"),
    await run("gradient"),
  ];
  const down = ({ tensors }: Awaited<ReturnType<typeof run>>) => numbersOf(tensors.get("adapters.2-3.down.weight")!);
  expect(down(again)).toEqual(down(states));
  expect(down(states)).not.toEqual(down(drawn));
  expect(down(gradient)).not.toEqual(down(states));
  expect(states.spec.method).toMatchObject({ adapter: { start: "states" } });
});
