/**
 * One gradient step of a small vision transformer (12 blocks, d = 96, 17 tokens, batch 32) on one thread, without an
 * optimiser: `frozen` sends the gradient from the loss back to the first block's input, as adapters need it; `full`
 * adds the gradient of every weight. `tsx bench/step-small.ts [frozen|full] [--profile]`
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { differentiate } from "../src/autodiff/index.ts";
import { authorVit } from "../src/backbone/index.ts";
import { random } from "../src/base/index.ts";
import { createBuilder, encodeModel, type Graph, prune, replay, type Value } from "../src/graph/index.ts";
import type { HostTensor } from "../src/runtime/index.ts";
import { nodeRuntime } from "../src/runtime/node.ts";

const BATCH = 32;
const CONFIG = { imageSize: 32, patchSize: 8, hiddenSize: 96, blocks: 12, heads: 3, mlpSize: 384 };
/** 2 · rows · weights per product; a frozen step does each once forward and once back, a full one once more. */
const FORWARD_GFLOP = (2 * BATCH * 17 * 12 * (4 * 96 * 96 + 2 * 96 * 384)) / 1e9;

type Variant = "frozen" | "full";

function stepGraph(variant: Variant): { graph: Graph; feeds: Record<string, HostTensor> } {
  const net = authorVit(CONFIG, 1, BATCH);
  const g = createBuilder();
  const feeds: Record<string, HostTensor> = {};
  const weights = new Map<string, Value>();
  if (variant === "full") {
    for (const [name, { dtype, shape, bytes }] of net.initializers) {
      if (dtype !== "float32" || shape.length === 0) continue;
      weights.set(name, g.input(name, dtype, shape));
      feeds[name] = { dtype, shape, data: new Float32Array(bytes.slice().buffer) };
    }
  }
  const values = replay(g, net, weights);
  const hidden = values.get("last_hidden_state")!;
  const target = g.input("target", "float32", [BATCH, 17, CONFIG.hiddenSize]);
  const loss = g.reduceMean(g.mul(hidden, target), [0, 1, 2], false);
  const embedded = net.nodes.find((node) => node.op === "Add" && node.inputs[1] === "embeddings.position")!;
  const wrt = variant === "full" ? [...weights.values()] : [values.get(embedded.outputs[0]!)!];
  const gradients = differentiate(g, loss, wrt);
  const outputs = [loss, ...gradients].map((value, k) => g.rename(value, `output${k}`).name);
  const draw = random(2);
  const normal = (shape: readonly number[]): HostTensor => {
    const size = shape.reduce((a, b) => a * b, 1);
    return { dtype: "float32", shape, data: Float32Array.from({ length: size }, () => draw.normal()) };
  };
  feeds.pixel_values = normal([BATCH, 3, 32, 32]);
  feeds.target = normal([BATCH, 17, CONFIG.hiddenSize]);
  return { graph: prune(g.toGraph(outputs)), feeds };
}

async function time(variant: Variant, seconds = 6): Promise<void> {
  const { graph, feeds } = stepGraph(variant);
  const session = await nodeRuntime.open(graph, { threads: 1 });
  await session.run(feeds);
  const times: number[] = [];
  for (const end = performance.now() + 1000 * seconds; performance.now() < end; ) {
    const begun = performance.now();
    await session.run(feeds);
    times.push(performance.now() - begun);
  }
  await session.release();
  times.sort((a, b) => a - b);
  const [best, median] = [times[0]!, times[times.length >> 1]!];
  const gflop = FORWARD_GFLOP * (variant === "full" ? 3 : 2);
  console.log(
    `${variant}: ${graph.nodes.length} nodes, best ${best.toFixed(1)} ms, median ${median.toFixed(1)} ms of ` +
      `${times.length} steps; ${(gflop / best).toFixed(2)} TFLOP/s at best (products of weights only)`,
  );
}

/** Where the time goes, by operator as the runtime executes it: the fastest of all runs of each node, summed. */
async function profile(variant: Variant): Promise<void> {
  const ort = await import("onnxruntime-node");
  const folder = mkdtempSync(join(tmpdir(), "graft-profile-"));
  const { graph, feeds } = stepGraph(variant);
  const session = await ort.InferenceSession.create(encodeModel(graph).bytes, {
    executionProviders: ["cpu"],
    intraOpNumThreads: 1,
    graphOptimizationLevel: "all",
    enableProfiling: true,
    profileFilePrefix: join(folder, "step"),
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  });
  const tensors = Object.fromEntries(
    Object.entries(feeds).map(([name, { data, shape }]) => [
      name,
      new ort.Tensor("float32", data as Float32Array, shape),
    ]),
  );
  for (let k = 0; k < 40; k++) await session.run(tensors);
  session.endProfiling();
  await session.release();
  const { readdirSync } = await import("node:fs");
  const events = readdirSync(folder).flatMap(
    (file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as ProfileEvent[],
  );
  rmSync(folder, { recursive: true });
  const fastest = new Map<string, { op: string; shape: string; micros: number }>();
  for (const { cat, name, dur, args } of events) {
    if (cat !== "Node" || !name.endsWith("_kernel_time") || !args?.op_name) continue;
    const known = fastest.get(name);
    const shape = JSON.stringify((args.input_type_shape ?? []).map((type) => Object.values(type)[0]));
    if (!known || dur < known.micros) fastest.set(name, { op: args.op_name, shape, micros: dur });
  }
  const total = [...fastest.values()].reduce((sum, { micros }) => sum + micros, 0);
  console.log(`${variant}: ${fastest.size} kernels, ${(total / 1000).toFixed(1)} ms`);
  for (const key of ["op", "shape"] as const) {
    const groups = new Map<string, { count: number; micros: number }>();
    for (const { op, shape, micros } of fastest.values()) {
      const name = key === "op" ? op : `${op} ${shape}`;
      const group = groups.get(name) ?? { count: 0, micros: 0 };
      groups.set(name, { count: group.count + 1, micros: group.micros + micros });
    }
    for (const [name, { count, micros }] of [...groups].sort((a, b) => b[1].micros - a[1].micros).slice(0, 28))
      console.log(
        `${((100 * micros) / total).toFixed(1).padStart(6)} %  ${String(count).padStart(4)} × ${(micros / count).toFixed(0).padStart(5)} µs  ${name}`,
      );
  }
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: { readonly op_name?: string; readonly input_type_shape?: readonly Record<string, number[]>[] };
}

const wanted = process.argv.slice(2);
const variants = (["frozen", "full"] as const).filter(
  (name) => wanted.includes(name) || !wanted.some((w) => !w.startsWith("--")),
);
for (const variant of variants) {
  await time(variant);
  if (wanted.includes("--profile")) await profile(variant);
}
