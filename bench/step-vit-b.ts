/**
 * One training step of a ViT-B/16-size random backbone (batch 8, an adapter of rank 8 parallel to every sub-layer)
 * against the rate of a bare MatMul, alternating in one process. A step's products run at `share` of that rate,
 * everything else (norms, softmax, optimiser) counted as overhead.
 */
import { authorVit, openGraph, traceBackbone } from "../src/backbone/index.ts";
import { median, random } from "../src/base/index.ts";
import { createBuilder, productFlops } from "../src/graph/index.ts";
import type { TunedSpec } from "../src/methods/index.ts";
import { zeroVectors } from "../src/parameters/index.ts";
import { nodeRuntime } from "../src/runtime/index.node.ts";
import type { HostTensor, Session } from "../src/runtime/index.ts";
import { select } from "../src/selection/index.ts";
import { initialState, openStepper, TrainOptions, tunedStep } from "../src/training/index.ts";

const BATCH = 8;
const CLASSES = 100;
const CONFIG = { imageSize: 224, patchSize: 16, hiddenSize: 768, blocks: 12, heads: 12, mlpSize: 3072 };

/** The product that dominates the step: all tokens through the MLP's first weight. */
const MATMUL = { rows: BATCH * 197, inner: 768, columns: 3072 };

export async function stepVitB({ rounds = 7, threads = 2 } = {}) {
  const backbone = await openGraph(authorVit(CONFIG, 1), nodeRuntime);
  const { placement } = select("all:parallel", { states: backbone.states.length, defaultRank: 8 });
  const options = TrainOptions.parse({ batchSize: BATCH, threads });
  const goal = { kind: "classify", classes: Array.from({ length: CLASSES }, (_, k) => String(k)) } as const;
  const spec: TunedSpec = { method: { kind: "adapters", placement, adapter: {} }, goal };
  const stepGraph = tunedStep(backbone, await traceBackbone(backbone, { batchSize: BATCH }), spec, options);
  const start = initialState(stepGraph, zeroVectors(stepGraph.layout).map(randomized));
  const opened = performance.now();
  const stepper = await openStepper(nodeRuntime, stepGraph, { clipNorm: options.clipNorm }, start, { threads });
  const openSeconds = (performance.now() - opened) / 1000;
  const bare = await openMatMul(threads);
  const feeds = randomFeeds();
  const gflop = productFlops(stepGraph.graph) / 1e9;
  const bareGflop = (2 * MATMUL.rows * MATMUL.inner * MATMUL.columns) / 1e9;

  await stepper.step(feeds, 1e-3);
  await bare.run();
  const [steps, products]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    products.push(
      (await seconds(async () => {
        for (let k = 0; k < 20; k++) await bare.run();
      })) / 20,
    );
    steps.push(await seconds(() => stepper.step(feeds, 1e-3)));
  }
  await stepper.release();
  await bare.release();
  const [stepRate, bareRate] = [gflop / median(steps), bareGflop / median(products)];
  return {
    gflop,
    stepSeconds: median(steps),
    openSeconds,
    stepRate,
    bareRate,
    share: stepRate / bareRate,
    nodes: stepGraph.graph.nodes.length,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  };
}

async function openMatMul(threads: number) {
  const g = createBuilder();
  const { rows, inner, columns } = MATMUL;
  const weight = normal([inner, columns], 2);
  const bytes = new Uint8Array(weight.data.buffer);
  const x = g.input("x", "float32", [rows, inner]);
  g.rename(g.matmul(x, g.constant({ dtype: "float32", shape: weight.shape, bytes }, "w")), "y");
  const session: Session = await nodeRuntime.open(g.toGraph(["y"]), { threads });
  const feeds = { x: normal([rows, inner], 3) };
  const fetches = { y: { dtype: "float32", shape: [rows, columns], data: new Float32Array(rows * columns) } } as const;
  return { run: () => session.run(feeds, fetches), release: () => session.release() };
}

function randomFeeds(): Record<string, HostTensor> {
  const targets = new Float32Array(BATCH * CLASSES);
  for (let row = 0; row < BATCH; row++) targets[row * CLASSES + row] = 1;
  return {
    pixel_values: normal([BATCH, 3, 224, 224], 4),
    targets: { dtype: "float32", shape: [BATCH, CLASSES], data: targets },
    weights: { dtype: "float32", shape: [BATCH], data: new Float32Array(BATCH).fill(1) },
  };
}

/** The step's cost does not depend on the values, as long as they are ordinary numbers. */
const randomized = (vector: Float32Array) => vector.map((_, k) => 0.02 * Math.sin(k));

function normal(shape: readonly number[], seed: number): HostTensor & { data: Float32Array } {
  const draw = random(seed);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draw.normal());
  return { dtype: "float32", shape, data };
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}
