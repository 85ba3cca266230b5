import { inputShapes, type ModelInput } from "../backbone/index.ts";
import { breathe, type LongCall, median, random } from "../base/index.ts";
import type { Graph } from "../graph/index.ts";
import { HEAD_ALONE } from "../methods/index.ts";
import type { HostTensor, SessionOptions } from "../runtime/index.ts";
import type { TunedModel } from "../training/index.ts";
import { exportModel } from "./export-model.ts";

/** How long one example takes. */
export interface Latency {
  /** Median milliseconds of the frozen model with the same head. */
  readonly baseMs: number;
  /** Of the model as it is exported. */
  readonly tunedMs: number;
  /** Median of tuned / base over the pairs of runs: 1 means what was trained costs nothing. */
  readonly ratio: number;
  readonly pairs: number;
}

export interface LatencyOptions extends LongCall, Pick<SessionOptions, "threads"> {
  /** What is exported; default `exportModel` of the model, with float weights. */
  readonly exported?: Graph;
  /** Seconds the pairs may take, after two to warm up; at least 6 are run. Default 1. */
  readonly seconds?: number;
  /** Tokens of the text that is fed to a model of texts; default 32, or what the file fixes. */
  readonly tokens?: number;
}

const MOST_PAIRS = 1000;

/**
 * Milliseconds for a batch of one, of an exported model and of the frozen model with the same head, in sessions as any app
 * opens them. The two take turns, so that a busy machine slows both.
 */
export async function measureLatency(model: TunedModel, options: LatencyOptions = {}): Promise<Latency> {
  const { threads, signal, seconds = 1, tokens = 32, exported = exportModel(model) } = options;
  const { backbone, spec } = model;
  const { runtime, input } = backbone;
  const feeds = oneExample(input, tokens);
  const open = (graph: Graph) => runtime.open(graph, { threads, asDeployed: true });
  const base = await open(exportModel({ ...model, spec: { ...spec, method: HEAD_ALONE } }));
  try {
    const tuned = await open(exported);
    try {
      const timed = async (session: typeof base) => {
        const begun = performance.now();
        await session.run(feeds);
        return performance.now() - begun;
      };
      const pairs: (readonly [base: number, tuned: number])[] = [];
      let begun = performance.now();
      for (let pair = -2; pair < 6 || (pair < MOST_PAIRS && performance.now() - begun < 1000 * seconds); pair++) {
        await breathe(signal);
        if (pair === 0) begun = performance.now();
        const [first, second] = pair % 2 === 0 ? [base, tuned] : [tuned, base]; // what comes first finds the caches colder
        const times = [await timed(first), await timed(second)] as const;
        if (pair >= 0) pairs.push(pair % 2 === 0 ? times : [times[1], times[0]]);
      }
      return {
        baseMs: median(pairs.map(([ms]) => ms)),
        tunedMs: median(pairs.map(([, ms]) => ms)),
        ratio: median(pairs.map(([plain, ms]) => ms / plain)),
        pairs: pairs.length,
      };
    } finally {
      await tuned.release();
    }
  } finally {
    await base.release();
  }
}

/** Noise as a picture, or a text of one token again and again: what it says does not matter, its size does. */
function oneExample(input: ModelInput, tokens: number): Record<string, HostTensor> {
  const shapes = inputShapes(input, { batchSize: 1, tokens });
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const count = shape.reduce((a, b) => a * b, 1);
      if (input.kind === "image") {
        const draw = random(0);
        return [name, { dtype: "float32", shape, data: Float32Array.from({ length: count }, () => draw.normal()) }];
      }
      const number = (k: number) => (name === input.mask ? 1 : name === input.positions ? k : 0);
      const data = Int32Array.from({ length: count }, (_, k) => number(k));
      return [
        name,
        input.dtype === "int64"
          ? { dtype: "int64", shape, data: BigInt64Array.from(data, BigInt) }
          : { dtype: "int32", shape, data },
      ];
    }),
  );
}
