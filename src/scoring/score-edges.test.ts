import { beforeAll, describe, expect, test } from "vitest";
import { jacobiSingularValues } from "../../test/support/jacobi-svd.ts";
import {
  type ImageBackbone,
  TINY,
  tinyBackbones,
  tinyPostNorm,
  tinyPreNorm,
  tinyTask,
} from "../../test/support/tiny-backbone.ts";
import { floats, normals, relativeError, trainedTensors } from "../../test/support/tiny-runs.ts";
import { type Backbone, traceBackbone } from "../backbone/index.ts";
import { breathe } from "../base/index.ts";
import { checkGraph, createBuilder, prune, replay } from "../graph/index.ts";
import { headParameters, pool, pooledSize } from "../objective/index.ts";
import { type ImageTask, labelsOf } from "../tasks/index.ts";
import { type Head, stepFeeds } from "../training/index.ts";
import { type EdgeColumnsOptions, edgeColumns } from "./edge-gradients.ts";
import { type ScoreOptions, scoreEdges } from "./score-edges.ts";

const d = TINY.hiddenSize;
const n = 2 * TINY.blocks + 1;
const classes = 3;
/** More than a probe batch of 32, so that the second one is padded. */
const count = 40;
const task = tinyTask({ train: count, classes });
const everyIndex = Uint32Array.from({ length: count }, (_, k) => k);

const headFor = ({ pooling }: Backbone): Head => trainedTensors(headParameters(pooledSize(d, pooling), classes), 9);

/** All columns, copied. */
async function edgeGradients(
  backbone: Backbone,
  of: ImageTask,
  indices: Uint32Array,
  head: Head,
  options?: EdgeColumnsOptions,
) {
  const columns: Float32Array[] = [];
  const activeTokens: number[] = [];
  await edgeColumns(
    backbone,
    of,
    indices,
    head,
    ({ to, gradients, activeTokens: active }) => {
      columns[to] = gradients.slice();
      activeTokens[to] = active;
    },
    options,
  );
  return { columns, activeTokens };
}
type EdgeGradients = Awaited<ReturnType<typeof edgeGradients>>;

const gradientOf = ({ columns }: EdgeGradients, from: number, to: number) =>
  columns[to]!.subarray(from * d * d, (from + 1) * d * d);

/** Mean loss over the whole training split with x_from · W really added on an edge, as a function of W. */
async function lossWithLinear(backbone: ImageBackbone, head: Head, from: number, to: number) {
  const graph = await traceBackbone(backbone, { batchSize: count });
  const g = createBuilder(graph);
  const weight = g.input("W", "float32", [d, d]);
  const adapted = new Map<string, ReturnType<typeof g.value>>();
  const values = replay(g, graph, new Map(), (name, value) => {
    let out = value;
    if (name === backbone.states[to]) {
      const state = backbone.states[from]!;
      const source = from === to ? value : from > to ? g.value(state) : adapted.get(state)!;
      out = g.add(value, g.matmul(source, weight));
    }
    adapted.set(name, out);
    return out;
  });
  const pooled = pool(g, values.get(backbone.features)!, backbone.pooling);
  const [w, b] = ["head.weight", "head.bias"].map((name) => g.constant(head.get(name)!, name));
  g.rename(g.add(g.matmul(pooled, w!), b!), "adapted logits");
  const session = await backbone.runtime.open(prune(checkGraph(g.toGraph(["adapted logits"]))), { threads: 1 });
  const { input } = backbone;
  const feeds = stepFeeds(task.goal, { split: task.train, indices: everyIndex, input, batchSize: count });
  return {
    release: () => session.release(),
    async loss(W: Float32Array) {
      const result = await session.run({ W: floats([d, d], W), [input.name]: feeds[input.name]! });
      const logits = result["adapted logits"]!.data as Float32Array;
      let sum = 0;
      labelsOf(task.train).forEach((label, row) => {
        const z = Array.from(logits.subarray(row * classes, (row + 1) * classes));
        sum += Math.log(z.reduce((total, x) => total + Math.exp(x), 0)) - z[label]!;
      });
      return sum / count;
    },
  };
}

describe.each(Object.entries(tinyBackbones))("%s", (_, open) => {
  let backbone: ImageBackbone;
  let head: Head;
  let gradients: EdgeGradients;
  beforeAll(async () => {
    backbone = await open();
    head = headFor(backbone);
    gradients = await edgeGradients(backbone, task, everyIndex, head, { threads: 1 });
  });

  test("gradients of all edges equal finite differences with the linear adapter really inserted", async () => {
    for (let from = 0; from < n; from++) {
      for (let to = 0; to < n; to++) {
        const gradient = gradientOf(gradients, from, to);
        const length = Math.hypot(...gradient);
        const { loss, release } = await lossWithLinear(backbone, head, from, to);
        const random = normals(d * d, from * n + to).map((x) => x / d);
        for (const direction of [gradient.map((x) => x / length), random]) {
          const at = (h: number) => loss(direction.map((x) => h * x));
          const h = 0.01;
          const slope = (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h);
          const expected = direction.reduce((sum, x, k) => sum + x * gradient[k]!, 0);
          // float32 logits: the difference of two losses over 2h is off by about 1e-7 / 0.02.
          expect(Math.abs(slope - expected), `edge (${from}, ${to})`).toBeLessThan(3e-3 * length + 3e-5);
        }
        await release();
      }
    }
  });

  test("sranks of all edges equal those of a reference SVD on the real gradients", async () => {
    const eta = 0.05;
    const spy = spied(task);
    const scores = await scoreEdges(backbone, spy.task, { head, examples: 20, eta, threads: 1, ...spy.call });
    const probe = spy.read.get("gradients")!;
    expect(probe).toHaveLength(20);
    const real = await edgeGradients(backbone, task, Uint32Array.from(probe), head, { threads: 1 });
    const reference = Array.from({ length: n }, (_, from) =>
      Array.from({ length: n }, (_, to) => {
        const sigma = jacobiSingularValues(gradientOf(real, from, to), d, d);
        const total = sigma.reduce((a, b) => a + b);
        let [k, held] = [0, 0];
        while (held < (1 - eta) * total) held += sigma[k++]!;
        return k;
      }),
    );
    expect(scores.matrix).toEqual(reference);
    expect(new Set(scores.matrix.flat()).size).toBeGreaterThan(2);
    for (let to = 0; to < n; to++) {
      expect(Math.max(...scores.matrix.map((row) => row[to]!))).toBeLessThanOrEqual(scores.caps![to]!);
    }
  });
});

/** A task that records which training examples are read in which phase. */
function spied(original: ImageTask) {
  const read = new Map<string, number[]>();
  let pending: number[] = [];
  const call: ScoreOptions = {
    onProgress: ({ phase }) => {
      read.set(phase, [...(read.get(phase) ?? []), ...pending]);
      pending = [];
    },
  };
  const pixels = (index: number) => {
    pending.push(index);
    return original.train.pixels(index);
  };
  return { read, call, task: { ...original, train: { ...original.train, pixels } } };
}

test("the head is fitted on all training examples that are no probe, and on no others", async () => {
  const backbone = await tinyPreNorm();
  const spy = spied(task);
  const scores = await scoreEdges(backbone, spy.task, { examples: 15, threads: 1, ...spy.call });
  const [probe, fitted] = [spy.read.get("gradients")!, spy.read.get("features")!];
  expect([probe.length, fitted.length, scores.examples, scores.head]).toEqual([15, 25, 15, "fitted"]);
  expect(new Set([...probe, ...fitted]).size).toBe(count);
});

test("by default the probe is half the training split, at most 2d", async () => {
  const backbone = await tinyPreNorm();
  expect((await scoreEdges(backbone, tinyTask({ train: 21 }), { head: "random" })).examples).toBe(10);
  expect((await scoreEdges(backbone, tinyTask({ train: 80 }), { head: "random" })).examples).toBe(2 * d);
});

test("one seed gives the same scores, another draws another probe", async () => {
  const backbone = await tinyPreNorm();
  const score = async (seed: number) => {
    const { matrix, tieBreak, caps } = await scoreEdges(backbone, task, { examples: 12, seed, threads: 1 });
    return { matrix, tieBreak, caps };
  };
  const first = await score(1);
  expect(await score(1)).toEqual(first);
  expect((await score(2)).tieBreak).not.toEqual(first.tieBreak);
});

test("caps: only the class token receives a gradient behind the last attention when the head reads it alone", async () => {
  const options = { examples: 8, threads: 1 };
  const cls = await scoreEdges(await tinyPreNorm({ pooling: "cls" }), task, options);
  // 8 images of 5 tokens; states 3 and 4 lie behind the last attention.
  expect(cls.caps).toEqual([d, d, d, 8, 8]);
  expect(Math.max(...cls.matrix.map((row) => row[4]!))).toBeLessThanOrEqual(8);
  expect((await scoreEdges(await tinyPreNorm({ pooling: "mean" }), task, options)).caps).toEqual([d, d, d, d, d]);
});

test.each([
  ["cls", classes - 1],
  ["mean", classes - 1],
  ["cls+mean", 2 * (classes - 1)],
] as const)(
  "caps: a head that reads the last state itself (post-norm, %s) allows rank %i there",
  async (pooling, cap) => {
    const backbone = await tinyPostNorm({ pooling });
    const scores = await scoreEdges(backbone, task, { examples: 20, eta: 1e-3, threads: 1 });
    expect(scores.caps![4]).toBe(cap);
    // Reached, but for state 0, where the class token is the same in every image.
    const column = scores.matrix.map((row) => row[4]);
    expect(column.slice(1)).toEqual(Array(n - 1).fill(cap));
    expect(column[0]).toBe(pooling === "mean" ? cap : cap - 1);
  },
);

test.each([
  [{ examples: count }, /40 training examples.*fitted on those that are no probe.*from 1 to 39/],
  [{ examples: 1000 }, /1000 probe examples.*from 1 to 39/],
  [{ examples: 0 }, /0 probe examples/],
  [{ examples: 2.5 }, /2.5 probe examples/],
  [{ examples: count + 1, head: "random" }, /from 1 to 40/],
] satisfies [ScoreOptions, RegExp][])("a probe of %o is refused", async (options, message) => {
  const run = scoreEdges(await tinyPreNorm(), task, options);
  await expect(run).rejects.toMatchObject({ code: "EXAMPLES_OUT_OF_RANGE", message: expect.stringMatching(message) });
});

test("a single training example, a foreign head, an eta out of range", async () => {
  const backbone = await tinyPreNorm();
  const refused = async (run: Promise<unknown>) =>
    run.then(
      () => "accepted",
      (error: { code?: string }) => error.code,
    );
  expect(await refused(scoreEdges(backbone, tinyTask({ train: 1 })))).toBe("EXAMPLES_OUT_OF_RANGE");
  expect(await refused(scoreEdges(backbone, task, { head: headFor({ ...backbone, pooling: "mean" }) }))).toBe(
    "PARAMETER_SHAPE",
  );
  expect(await refused(scoreEdges(backbone, task, { head: new Map() }))).toBe("PARAMETER_MISSING");
  let worked = false;
  const onProgress = () => {
    worked = true;
  };
  expect(await refused(scoreEdges(backbone, task, { eta: 1, onProgress }))).toBe("ETA_OUT_OF_RANGE");
  expect(worked).toBe(false);
});

test("scoring stops when it is told to", async () => {
  const controller = new AbortController();
  const stopped = new Error("stopped by the test");
  const run = scoreEdges(await tinyPreNorm(), task, {
    examples: 12,
    signal: controller.signal,
    onProgress: ({ phase }) => phase === "gradients" && controller.abort(stopped),
  });
  await expect(run).rejects.toBe(stopped);
  await breathe(undefined);
});

test("a batch that is split differently gives the same gradients", async () => {
  const backbone = await tinyPreNorm();
  const head = headFor(backbone);
  const whole = await edgeGradients(backbone, task, everyIndex, head, { threads: 1 });
  // Averages over parts, weighted by their sizes.
  const parts = [everyIndex.subarray(0, 7), everyIndex.subarray(7)];
  const [a, b] = await Promise.all(parts.map((part) => edgeGradients(backbone, task, part, head, { threads: 1 })));
  whole.columns.forEach((column, to) => {
    const mixed = column.map((_, k) => (7 * a!.columns[to]![k]! + 33 * b!.columns[to]![k]!) / 40);
    expect(relativeError(mixed, column)).toBeLessThan(1e-5);
  });
});

test("gradients are the same, but for rounding, when there is room for a few columns at a time", async () => {
  const backbone = await tinyPreNorm();
  const head = headFor(backbone);
  const whole = await edgeGradients(backbone, task, everyIndex, head, { threads: 1 });
  const progress: number[] = [];
  const inBlocks = await edgeGradients(backbone, task, everyIndex, head, {
    threads: 1,
    blockBytes: 2 * 4 * n * d * d,
    onProgress: ({ done, total }) => progress.push(done / total!),
  });
  expect(inBlocks.activeTokens).toEqual(whole.activeTokens);
  for (const [to, column] of whole.columns.entries())
    expect(relativeError(inBlocks.columns[to]!, column)).toBeLessThan(1e-5);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  expect(progress.at(-1)).toBe(1);
  expect(progress).toHaveLength(2 * Math.ceil(n / 2)); // two batches for each block of two columns
});
