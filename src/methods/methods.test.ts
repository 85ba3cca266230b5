import { describe, expect, test } from "vitest";
import { type ImageBackbone, TINY, tinyBackbones, tinyTask } from "../../test/support/tiny-backbone.ts";
import { normals, pixelsFor, relativeError, runOnce } from "../../test/support/tiny-runs.ts";
import { decodeAdapters, encodeAdapters, exportModel, parseAdaptersDescription } from "../artifact/index.ts";
import { differentiate } from "../autodiff/index.ts";
import { traceBackbone } from "../backbone/index.ts";
import {
  asFloat32,
  type Builder,
  createBuilder,
  decodeModel,
  encodeModel,
  type Graph,
  hashGraph,
  prune,
  type Tensor,
  tensorOf,
  type Value,
} from "../graph/index.ts";
import { declareParameters, layoutOf, packVectors } from "../parameters/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { selectMethod } from "../selection/index.ts";
import { fitTaskHead, type Head, TrainOptions, train } from "../training/index.ts";
import { HEAD_ALONE, type MethodName, startTensors, type TunedSpec, tunedParameters, upToFeatures } from "./index.ts";
import { kindOf } from "./method-kinds.ts";

const { hiddenSize: d, mlpSize, blocks } = TINY;
const tokens = (TINY.imageSize / TINY.patchSize) ** 2 + 1;
const patch = 3 * TINY.patchSize ** 2;
const task = tinyTask();
/** Of a low-rank pair of rank 2. */
const pair = (from: number, to: number) => 2 * (from + to);
/** Of a bottleneck of rank 2 with biases. */
const bottleneck = pair(d, d) + 2 + d;
const norms = (2 * blocks + 1) * 2 * d;
const biases = blocks * (3 * d + d + mlpSize + d) + d + norms / 2;
const matrices = blocks * (4 * d * d + 2 * d * mlpSize) + patch * d + tokens * d;

interface Case {
  readonly text: string;
  /** Trainable numbers besides the head, by the paper's own count. */
  readonly count: number;
  /** Whether its export is the base with other weights. */
  readonly isMerged: boolean;
}

/** One of each, so that a new method does not compile without. */
const usual: Record<MethodName, Case> = {
  linear: { text: "linear", count: 0, isMerged: true },
  full: { text: "full", count: matrices + biases + norms / 2, isMerged: true },
  bitfit: { text: "bitfit", count: biases, isMerged: true },
  norms: { text: "norms", count: norms, isMerged: true },
  lora: { text: "lora:q,v@r2", count: blocks * 2 * pair(d, d), isMerged: true },
  dora: { text: "dora:q,v@r2", count: blocks * 2 * (pair(d, d) + d), isMerged: true },
  houlsby: { text: "houlsby@r2", count: 2 * blocks * bottleneck, isMerged: false },
  pfeiffer: { text: "pfeiffer@r2", count: blocks * bottleneck, isMerged: false },
  adaptformer: { text: "adaptformer@r2", count: blocks * bottleneck, isMerged: false },
  "adapter+": { text: "adapter+@r2", count: blocks * (bottleneck + d), isMerged: false },
  apla: { text: "apla:3", count: blocks * 3 * d, isMerged: true },
  page: { text: "page:1@r2", count: pair(mlpSize, d), isMerged: true },
};
const cases: readonly Case[] = [
  ...Object.values(usual),
  { text: "lora:o,fc1,0.fc2@r2", count: blocks * (pair(d, d) + pair(d, mlpSize)) + pair(mlpSize, d), isMerged: true },
  { text: "dora:1.k,fc1@r2", count: pair(d, d) + d + blocks * (pair(d, mlpSize) + mlpSize), isMerged: true },
];

const specOf = (backbone: ImageBackbone, text: string): TunedSpec => ({
  method: selectMethod(text, backbone).method,
  goal: task.goal,
});

/** Features with a method in the graph, its tensors made by `declare`. */
function withMethod(
  backbone: ImageBackbone,
  base: Graph,
  spec: TunedSpec,
  declare: (g: Builder) => ReadonlyMap<string, Value>,
): Graph {
  const graph = upToFeatures(backbone, base);
  const g = createBuilder(graph);
  const values = kindOf(spec.method).insert(g, graph, backbone, spec.method, declare(g));
  return prune(g.toGraph([g.rename(values.get(backbone.features)!, "tuned").name]));
}
const asConstants = (tensors: ReadonlyMap<string, Tensor>) => (g: Builder) =>
  new Map([...tensors].map(([name, tensor]) => [name, g.constant(tensor, name)]));

const ownParameters = (backbone: ImageBackbone, spec: TunedSpec) =>
  tunedParameters(backbone, spec).filter(({ name }) => !name.startsWith("head."));

describe.each(Object.entries(tinyBackbones))("%s", (_, openOne) => {
  let opened: Promise<ImageBackbone> | undefined;
  const open = () => {
    opened ??= openOne();
    return opened;
  };
  let fitted: Promise<Head> | undefined;
  const headOf = async (backbone: ImageBackbone) => {
    fitted ??= fitTaskHead(backbone, task, TrainOptions.parse({ threads: 1 }));
    return fitted;
  };

  describe.each(cases)("$text", ({ text, count, isMerged }) => {
    test("trains as many numbers as its paper counts, each from a start of its own shape", async () => {
      const backbone = await open();
      const spec = specOf(backbone, text);
      const parameters = ownParameters(backbone, spec);
      expect(parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(count);
      const start = startTensors(backbone, spec.method, 3);
      expect([...start].map(([name, { shape }]) => [name, shape])).toEqual(
        parameters.map(({ name, shape }) => [name, shape]),
      );
    });

    test("untrained it changes no bit, baked in, fed or merged", async () => {
      const backbone = await open();
      const spec = specOf(backbone, text);
      const start = startTensors(backbone, spec.method, 3);
      const feeds = pixelsFor(backbone, 2, 5);
      const plain = upToFeatures(backbone, backbone.graph);
      const expected = (await runOnce(plain, feeds))[backbone.features]!;
      const baked = withMethod(backbone, backbone.graph, spec, asConstants(start));
      expect((await runOnce(baked, feeds)).tuned).toEqual(expected);
      const layout = layoutOf(ownParameters(backbone, spec));
      const fed = withMethod(backbone, backbone.graph, spec, (g) => declareParameters(g, layout).tensors);
      const vectors = packVectors(layout, start).map(
        (data, k) => [layout[k]!.name, { dtype: "float32", shape: [data.length], data }] as const,
      );
      expect((await runOnce(fed, { ...feeds, ...Object.fromEntries(vectors) })).tuned).toEqual(expected);
      const merged = kindOf(spec.method).merge?.(plain, backbone, spec.method, start);
      if (merged) expect((await runOnce(merged, feeds))[backbone.features]).toEqual(expected);
    });

    if (count > 0)
      test("its gradient agrees with central differences, along a random direction in each parameter", async () => {
        const backbone = await open();
        const spec = specOf(backbone, text);
        const feeds = pixelsFor(backbone, 2, 5);
        const traced = await traceBackbone(backbone, { batchSize: 2 });
        const point = noisy(startTensors(backbone, spec.method, 3), 7);
        const graph = upToFeatures(backbone, traced);
        const g = createBuilder(graph);
        const inputs = new Map([...point].map(([name, { shape }]) => [name, g.input(name, "float32", shape)]));
        const features = kindOf(spec.method).insert(g, graph, backbone, spec.method, inputs).get(backbone.features)!;
        const size = 2 * tokens * d;
        const weights = g.constant(tensorOf("float32", [2, tokens, d], normals(size, 9)));
        const loss = g.reduceSum(g.mul(features, weights), [0, 1, 2], false);
        const gradients = differentiate(g, loss, [...inputs.values()]);
        const names = [...inputs.keys()];
        const outputs = [loss, ...gradients].map((value, k) => g.rename(value, `out ${k}`).name);
        const session = await nodeRuntime.open(prune(g.toGraph(outputs)), { threads: 1 });
        const run = async (at: ReadonlyMap<string, Tensor>) => {
          const theta = [...at].map(
            ([name, tensor]) => [name, { dtype: "float32", shape: tensor.shape, data: asFloat32(tensor) }] as const,
          );
          const results = await session.run({ ...feeds, ...Object.fromEntries(theta) });
          return outputs.map((name) => results[name]!.data as Float32Array);
        };
        const found = await run(point);
        for (const [k, name] of names.entries()) {
          const direction = normals(asFloat32(point.get(name)!).length, 20 + k);
          const slope = found[k + 1]!.reduce((sum, x, i) => sum + x * direction[i]!, 0);
          const at = (by: number) => new Map([...point, [name, plus(point.get(name)!, direction, by)]]);
          const slopeOver = async (step: number) =>
            ((await run(at(step)))[0]![0]! - (await run(at(-step)))[0]![0]!) / (2 * step);
          // Two steps: the longer may cross a ReLU's kink, the shorter drown in rounding.
          const numeric = [await slopeOver(2e-3), await slopeOver(4e-4)];
          const error = Math.min(...numeric.map((value) => Math.abs(slope - value)));
          const scale = Math.sqrt(found[k + 1]!.reduce((sum, x) => sum + x * x, 0));
          expect(error / (scale + 0.05), name).toBeLessThan(0.02);
        }
        await session.release();
      });

    test("learns; what it leaves is saved, loaded and exported as it answers, the frozen rest as it was", async () => {
      const backbone = await open();
      const before = await hashGraph(backbone.graph);
      const spec = specOf(backbone, text);
      const options = { epochs: 5, batchSize: 20, augment: false, threads: 1 };
      const model = await train(backbone, task, spec.method, { options, head: await headOf(backbone) });
      if (count > 0) expect(model.history.at(-1)!.trainLoss).toBeLessThan(0.98 * model.history[0]!.trainLoss);
      expect(model.trainableParameters).toBe(count + 3 * 2 * d + 3);
      expect(await hashGraph(backbone.graph)).toBe(before);

      // Answers of the graph that trained, not merged.
      const features = withMethod(backbone, backbone.graph, model.spec, asConstants(model.tensors));
      const { json, safetensors } = encodeAdapters(model);
      const loaded = decodeAdapters(backbone, parseAdaptersDescription(json, "here"), safetensors);
      expect(loaded.spec).toEqual(model.spec);
      const exported = exportModel(loaded);
      const head = { backbone, spec: { method: HEAD_ALONE, goal: task.goal }, tensors: onlyHead(model.tensors) };
      const base = exportModel(head);
      if (isMerged) expect(exported.nodes.length).toBe(base.nodes.length);
      else expect(exported.nodes.length).toBeGreaterThan(base.nodes.length);
      const feeds = pixelsFor(backbone, 3, 8);
      const reopened = decodeModel(encodeModel(exported).bytes);
      const own = { ...backbone, graph: features, features: "tuned" };
      const expected = (await runOnce(exportModel({ ...head, backbone: own }), feeds)).logits!;
      expect(expected.every(Number.isFinite)).toBe(true);
      expect(relativeError((await runOnce(reopened, feeds)).logits!, expected)).toBeLessThan(1e-5);
    });
  });
});

const plus = (tensor: Tensor, direction: Float32Array, by: number): Tensor =>
  tensorOf(
    "float32",
    tensor.shape,
    asFloat32(tensor).map((x, k) => x + by * direction[k]!),
  );

const noisy = (tensors: ReadonlyMap<string, Tensor>, seed: number): Map<string, Tensor> =>
  new Map(
    [...tensors].map(([name, tensor], k) => [name, plus(tensor, normals(asFloat32(tensor).length, seed + k), 0.2)]),
  );

const onlyHead = (tensors: ReadonlyMap<string, Tensor>) =>
  new Map([...tensors].filter(([name]) => name.startsWith("head.")));
