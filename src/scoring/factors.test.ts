import { beforeAll, describe, expect, test } from "vitest";
import { TINY, tinyPreNorm, tinyTask } from "../../test/support/tiny-backbone.ts";
import { relativeError, runOnce, trainedTensors } from "../../test/support/tiny-runs.ts";
import { tinyBert, tinyText, tinyTextTask } from "../../test/support/tiny-text.ts";
import { initialAdapters, insertAdapters } from "../adapters/index.ts";
import { differentiate } from "../autodiff/index.ts";
import { type Backbone, traceBackbone } from "../backbone/index.ts";
import { nameSeed, random } from "../base/index.ts";
import { createBuilder, prune, tensorOf } from "../graph/index.ts";
import { goalOutput, headWidth, upToFeatures } from "../methods/index.ts";
import { headParameters, lossOf, targetShapes } from "../objective/index.ts";
import { outputNames, type Task } from "../tasks/index.ts";
import { type Head, longest, stepFeeds } from "../training/index.ts";
import { type EdgeColumn, edgeColumns } from "./edge-gradients.ts";
import type { ProbeFactors } from "./probe-pass.ts";
import { type ScoreOptions, scoreEdges, scoreEdgesBy } from "./score-edges.ts";
import type { ScoreName } from "./scores/index.ts";
import { whitenerOf } from "./whitening.ts";

const d = TINY.hiddenSize;
const n = 2 * TINY.blocks + 1;
/** More than a batch, so that the second one is padded. */
const count = 40;
const everyIndex = Uint32Array.from({ length: count }, (_, k) => k);
const named = ["fisher", "page", "whitened", "activation", "frobenius"] as const;

async function openPicture() {
  return { backbone: (await tinyPreNorm()) as Backbone, task: tinyTask({ train: count, classes: 3 }) as Task };
}

async function openText() {
  const rows = Array.from({ length: 80 }, (_, k) => ({ text: tinyText(k), label: `class ${k % 3}` }));
  return { backbone: await tinyBert(), task: (await tinyTextTask(rows, { label: "label" })) as Task };
}

describe.each([
  ["pictures, pre-norm", openPicture],
  ["texts of several lengths, post-norm", openText],
] as const)("%s", (_, open) => {
  let backbone: Backbone;
  let task: Task;
  let head: Head;
  let options: ScoreOptions;
  let scores: ReadonlyMap<ScoreName, { readonly matrix: readonly (readonly number[])[] }>;
  beforeAll(async () => {
    ({ backbone, task } = await open());
    head = trainedTensors(headParameters(headWidth(backbone, task.goal), outputNames(task.goal).length), 9);
    options = { head, examples: count, threads: 1, seed: 6 };
    scores = await scoreEdgesBy(backbone, task, named, options);
  });
  const probe = () => random(6, nameSeed("probe")).permutation(task.train.count).slice(0, count);
  const flat = (name: ScoreName) => scores.get(name)!.matrix.flat();

  test("fisher is the mean of the squared norms of the gradients of each example alone", async () => {
    const expected = new Float64Array(n * n);
    const visit = ({ to, groups }: EdgeColumn) => {
      for (const { gradients } of groups)
        for (let k = 0; k < gradients.length; k++)
          expected[Math.floor(k / (d * d)) * n + to]! += gradients[k]! ** 2 / count;
    };
    const groups = new Array<number>(count).fill(1);
    await edgeColumns(backbone, task, probe(), head, visit, { threads: 1, groups });
    expect(relativeError(flat("fisher"), expected)).toBeLessThan(1e-4);
    // More than the square of the mean's norm: examples disagree.
    for (const [k, norm] of flat("frobenius").entries()) expect(flat("fisher")[k]).toBeGreaterThan(norm ** 2);
  });

  test("page is the squared gradient of W_up of an adapter that is really there", async () => {
    const tokens = task.train.kind === "text" ? longest(task.train, everyIndex) : undefined;
    const graph = upToFeatures(backbone, await traceBackbone(backbone, { batchSize: count, tokens }));
    for (const [from, to] of [
      [0, 1],
      [2, 2],
      [1, 4],
      [3, 0],
    ] as const) {
      const edge = { from, to, rank: 8 };
      const draw = random(6, nameSeed("page"));
      const down = Float32Array.from({ length: d * 8 }, () => draw.normal() / Math.sqrt(d));
      const start = initialAdapters([edge], d, 0);
      start.set(`adapters.${from}-${to}.down.weight`, tensorOf("float32", [d, 8], down));
      const g = createBuilder(graph);
      const tensors = new Map([...start].map(([name, tensor]) => [name, g.constant(tensor, name)]));
      const features = insertAdapters(g, graph, backbone, [edge], tensors).get(backbone.features)!;
      const constants = new Map([...head].map(([name, tensor]) => [name, g.constant(tensor, name)]));
      const shapes = targetShapes(task.goal, { batchSize: count, tokens });
      const output = goalOutput(g, backbone, task.goal, features, constants);
      const targets = g.input("targets", "float32", shapes.targets!);
      const loss = lossOf(g, task.goal, output, targets, g.input("weights", "float32", shapes.weights), 1);
      const [up] = differentiate(g, loss, [tensors.get(`adapters.${from}-${to}.up.weight`)!]);
      const { input } = backbone;
      const feeds = stepFeeds(task.goal, { split: task.train, indices: probe(), input, batchSize: count, tokens });
      const { made } = await runOnce(prune(g.toGraph([g.rename(up!, "made").name])), feeds);
      const energy = made!.reduce((sum, x) => sum + x * x, 0);
      expect(scores.get("page")!.matrix[from]![to]! / energy, `edge ${from}-${to}`).toBeCloseTo(1, 4);
    }
  });

  test("whitened and activation are those of the states' second moments over tokens that are no padding", async () => {
    const moments = Array.from({ length: n }, () => new Float64Array(d * d));
    let tokens = 0;
    const onFactors = async ({ states, real }: ProbeFactors) => {
      const x = states.data as Float32Array;
      real.forEach((one, row) => {
        if (one === 0) return;
        tokens++;
        for (let i = 0; i < n; i++)
          for (let a = 0; a < d; a++)
            for (let b = 0; b < d; b++)
              moments[i]![a * d + b]! += x[(i * d + a) * real.length + row]! * x[(i * d + b) * real.length + row]!;
      });
    };
    const trace = (moment: Float64Array) => moment.reduce((sum, x, k) => sum + (k % (d + 1) === 0 ? x : 0), 0);
    const expected = new Float64Array(n * n);
    await edgeColumns(
      backbone,
      task,
      probe(),
      head,
      ({ to, gradients }) => {
        moments.forEach((sum, from) => {
          const moment = sum.map((x) => x / tokens);
          const ridged = moment.map((x, k) => x + (k % (d + 1) === 0 ? (1e-3 * trace(moment)) / d : 0));
          const gradient = Float64Array.from(gradients.subarray(from * d * d, (from + 1) * d * d));
          const solved = solve(ridged, gradient);
          expected[from * n + to] = Math.sqrt(gradient.reduce((total, x, k) => total + x * solved[k]!, 0));
        });
      },
      { threads: 1, onFactors },
    );
    expect(relativeError(flat("whitened"), expected)).toBeLessThan(1e-4);
    const activation = moments.flatMap((sum) => Array<number>(n).fill(Math.sqrt(trace(sum) / count)));
    expect(relativeError(flat("activation"), activation)).toBeLessThan(1e-5);
    if (task.train.kind === "text")
      expect(tokens).toBe(probe().reduce((sum, at) => sum + longest(task.train as never, Uint32Array.of(at)), 0));
    else expect(tokens).toBe(count * 5);
  });
});

/** A⁻¹ · B of [d, d] by Gauss and Jordan. */
function solve(a: Float64Array, b: Float64Array): Float64Array {
  const [left, right] = [a.slice(), b.slice()];
  for (let k = 0; k < d; k++) {
    const pivot = left[k * d + k]!;
    for (let row = 0; row < d; row++) {
      if (row === k) continue;
      const share = left[row * d + k]! / pivot;
      for (let c = 0; c < d; c++) {
        left[row * d + c]! -= share * left[k * d + c]!;
        right[row * d + c]! -= share * right[k * d + c]!;
      }
    }
  }
  return right.map((x, at) => x / left[Math.floor(at / d) * (d + 1)]!);
}

test("a moment of 4 and 9 is whitened by a half and a third, but for the ridge; none by 0", () => {
  const ridge = (1e-3 * 13) / 2;
  const [a, b, c, e] = whitenerOf(Float64Array.of(4, 0, 0, 9), 2);
  expect([a, b, c, e]).toEqual([1 / Math.sqrt(4 + ridge), 0, 0, 1 / Math.sqrt(9 + ridge)]);
  expect(whitenerOf(new Float64Array(4), 2)).toEqual(new Float64Array(4));
});

test("scores of factors alone make no gradients of edges, and only activation is blind to the labels", async () => {
  const { backbone, task } = await openPicture();
  const options = { examples: 8, threads: 1, head: "random" } as const;
  const { train } = task;
  if (train.kind !== "image" || train.targets.kind !== "classes") return expect.unreachable();
  const labels = train.targets.labels.map((label) => (label + 1) % 3);
  const other = { ...task, train: { ...train, targets: { kind: "classes", labels } } } as Task;
  for (const score of ["fisher", "page", "activation"] as const) {
    const { matrix } = await scoreEdges(backbone, task, { ...options, score });
    const changed = (await scoreEdges(backbone, other, { ...options, score })).matrix;
    if (score === "activation") expect(changed).toEqual(matrix);
    else expect(changed).not.toEqual(matrix);
  }
});
