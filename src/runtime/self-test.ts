import { random } from "../base/index.ts";
import { createBuilder, type Graph, tensorOf, type Value } from "../graph/index.ts";
import { type Device, deviceError } from "./devices.ts";
import { messageOf } from "./ort-session.ts";
import type { HostTensor, Session } from "./session.ts";

/** What a device's self-test came to. */
export interface SelfTest {
  /** Largest difference of an output from the CPU's, as a share of that output's largest number. */
  readonly difference: number;
  /** Of one step, once warm: the faster of two. */
  readonly seconds: number;
}

/** Largest difference that passes: rounding of float32 gives 1e-6, products in TF32 or float16 up to some 1e-3. */
const TOLERANCE = 5e-3;

const SIZES = { batch: 4, tokens: 32, width: 64, words: 50, classes: 10 } as const;

/**
 * Run one training step of a small transformer block on a device and on the CPU, and compare loss and gradients.
 * @param open  opens a graph's session on a device
 * @param fail  makes the error
 * @throws GraftError DEVICE_FAILED, DEVICE_DIFFERS
 */
export async function selfTest(
  device: Device,
  open: (graph: Graph, device: Device) => Promise<Session>,
  fail = deviceError,
): Promise<SelfTest> {
  const graph = testStep();
  const expected = await runOn("cpu");
  const found = await runOn(device).catch((cause) => {
    throw fail("DEVICE_FAILED", device, `its self-test failed: ${reasonOf(cause)}`, cause);
  });
  const errors = Object.entries(expected.outputs).map(([name, { data }]) => ({
    name,
    error: relativeDifference(found.outputs[name]!.data as Float32Array, data as Float32Array),
  }));
  const worst = errors.reduce((a, b) => (b.error > a.error ? b : a));
  if (worst.error <= TOLERANCE) return { difference: worst.error, seconds: found.seconds };
  throw fail(
    "DEVICE_DIFFERS",
    device,
    `in its self-test, one step of a small transformer, ${worst.name} is off from the CPU's by ${worst.error.toExponential(1)} of the largest number; ${TOLERANCE} is allowed`,
  );

  async function runOn(where: Device) {
    const session = await open(graph, where);
    try {
      let [outputs, seconds] = [await session.run(testFeeds()), Number.POSITIVE_INFINITY];
      for (let k = 0; k < 2; k++) {
        const begun = performance.now();
        outputs = await session.run(testFeeds());
        seconds = Math.min(seconds, (performance.now() - begun) / 1000);
      }
      return { outputs, seconds };
    } finally {
      await session.release();
    }
  }
}

/** In the runtime's own words, without the place in its source. */
function reasonOf(error: Error): string {
  return messageOf(error.cause ?? error).replace(/^\S*onnxruntime_src\S* .* was false\. /, "");
}

/** NaN and infinities count as infinitely different. */
function relativeDifference(found: Float32Array, expected: Float32Array): number {
  let [worst, scale] = [0, 0];
  for (let k = 0; k < expected.length; k++) {
    const difference = Math.abs(found[k]! - expected[k]!);
    worst = difference <= worst ? worst : Number.isFinite(difference) ? difference : Number.POSITIVE_INFINITY;
    scale = Math.max(scale, Math.abs(expected[k]!));
  }
  return worst / scale;
}

/**
 * Tokens looked up, one attention head and a GELU layer with a residual, mean, a linear head and cross-entropy; their
 * gradients for the head, the layer and the queries, by hand; θ' = θ − g of all three cut from one vector.
 */
function testStep(): Graph {
  const { batch, tokens, width: d, words, classes } = SIZES;
  const g = createBuilder();
  const weights = random(1);
  const weight = (...shape: number[]) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return g.constant(
      tensorOf(
        "float32",
        shape,
        Float32Array.from({ length: count }, () => 0.2 * weights.normal()),
      ),
    );
  };
  const ids = g.input("ids", "int32", [batch, tokens]);
  const labels = g.input("labels", "float32", [batch, classes]);
  const theta = g.input("theta", "float32", [2 * d * d + d * classes]);
  const [flatQ, flat1, flat2] = g.split(theta, 0, [d * d, d * d, d * classes]);
  const [q, w1, w2] = [g.reshape(flatQ!, [d, d]), g.reshape(flat1!, [d, d]), g.reshape(flat2!, [d, classes])];
  const swap = (x: Value) => g.transpose(x, [0, 2, 1]);

  const x = g.gather(weight(words, d), ids, 0); // [batch, tokens, d]
  const y = g.layerNorm(x, weight(d), weight(d), 1e-5);
  const [keys, values] = [g.matmul(y, weight(d, d)), g.matmul(y, weight(d, d))];
  const attention = g.softmax(g.mul(g.matmul(g.matmul(y, q), swap(keys)), g.scalar(1 / Math.sqrt(d))));
  const z = g.add(x, g.matmul(attention, values));
  const u = g.matmul(z, w1);
  const cdf = g.mul(g.add(g.erf(g.mul(u, g.scalar(Math.SQRT1_2))), g.scalar(1)), g.scalar(0.5));
  const pooled = g.mul(g.reduceSum(g.mul(u, cdf), [1], false), g.scalar(1 / tokens)); // [batch, d]
  const p = g.softmax(g.matmul(pooled, w2));
  const loss = g.mul(g.reduceSum(g.mul(labels, g.log(p)), [0, 1], false), g.scalar(-1 / batch));

  const dLogits = g.mul(g.sub(p, labels), g.scalar(1 / batch));
  const dPooled = g.mul(g.matmul(dLogits, g.transpose(w2, [1, 0])), g.scalar(1 / tokens));
  const density = g.mul(g.exp(g.mul(g.mul(u, u), g.scalar(-0.5))), g.scalar(1 / Math.sqrt(2 * Math.PI)));
  const du = g.mul(g.reshape(dPooled, [batch, 1, d]), g.add(cdf, g.mul(u, density)));
  const dAttention = g.matmul(g.matmul(du, g.transpose(w1, [1, 0])), swap(values));
  const mean = g.reduceSum(g.mul(attention, dAttention), [2], true);
  const dProducts = g.mul(g.mul(attention, g.sub(dAttention, mean)), g.scalar(1 / Math.sqrt(d)));
  const overBatch = (product: Value, shape: readonly number[]) =>
    g.reshape(g.reduceSum(product, [0], false), [shape[0]! * shape[1]!]);
  const gradient = g.concat(
    [
      overBatch(g.matmul(swap(y), g.matmul(dProducts, keys)), [d, d]),
      overBatch(g.matmul(swap(z), du), [d, d]),
      g.reshape(g.matmul(g.transpose(pooled, [1, 0]), dLogits), [d * classes]),
    ],
    0,
  );
  const outputs = { loss, gradient };
  return g.toGraph(Object.entries(outputs).map(([name, value]) => g.rename(value, name).name));
}

function testFeeds(): Record<string, HostTensor> {
  const { batch, tokens, width, words, classes } = SIZES;
  const draw = random(2);
  const labels = new Float32Array(batch * classes);
  for (let row = 0; row < batch; row++) labels[row * classes + draw.int(classes)] = 1;
  const ids = Int32Array.from({ length: batch * tokens }, () => draw.int(words));
  const size = 2 * width * width + width * classes;
  const theta = Float32Array.from({ length: size }, () => 0.2 * draw.normal());
  return {
    ids: { dtype: "int32", shape: [batch, tokens], data: ids },
    labels: { dtype: "float32", shape: [batch, classes], data: labels },
    theta: { dtype: "float32", shape: [size], data: theta },
  };
}
