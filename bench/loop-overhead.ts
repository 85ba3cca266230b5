/**
 * What the training loop costs over the runtime: in a training of the embedded model, time between the ends of two steps
 * that is not spent in ONNX Runtime's own `session.run` (feeding, augmenting, the update, progress).
 * `npm run bench -- loop-overhead`
 */
import * as ort from "onnxruntime-node";
import { median } from "../src/base/index.ts";
import { openBackbone, openTask, train } from "../src/node.ts";
import type { Ort } from "../src/runtime/index.ts";
import { select } from "../src/selection/index.ts";

export async function loopOverhead({ steps = 40, batchSize = 32, threads = 2 } = {}) {
  const backbone = await openBackbone("builtin:vit", { ort: timed });
  const task = await openTask("count", { backbone, trainSize: steps * batchSize });
  const { placement } = select("all:parallel", { states: backbone.states.length, defaultRank: 8 });
  const intervals: { total: number; running: number }[] = [];
  let last = { at: 0, running: 0 };
  await train(backbone, task, placement, {
    options: { epochs: 1, batchSize, threads },
    onProgress({ phase }) {
      if (phase !== "train") return;
      const now = { at: performance.now(), running: spent };
      if (last.at > 0) intervals.push({ total: now.at - last.at, running: now.running - last.running });
      last = now;
    },
  });
  const counted = intervals.slice(2);
  return {
    stepMilliseconds: median(counted.map(({ total }) => total)),
    runMilliseconds: median(counted.map(({ running }) => running)),
    overhead: median(counted.map(({ total, running }) => (total - running) / running)),
  };
}

/** Milliseconds in the runtime's own `run` so far. */
let spent = 0;

const timed: Ort = {
  Tensor: ort.Tensor as Ort["Tensor"],
  InferenceSession: {
    async create(model, options) {
      const session = await ort.InferenceSession.create(model, options);
      const run = session.run.bind(session) as (...args: unknown[]) => ReturnType<typeof session.run>;
      session.run = async (...args: unknown[]) => {
        const begun = performance.now();
        const results = await run(...args);
        spent += performance.now() - begun;
        return results;
      };
      return session;
    },
  },
};
