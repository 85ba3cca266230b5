import { type ParameterLayout, type Vectors, zeroVectors } from "../parameters/index.ts";
import { type HostTensor, outputBuffers, type Runtime, type Session, type SessionOptions } from "../runtime/index.ts";
import { type AdamWOptions, type OptimizerState, openUpdate } from "./adamw.ts";
import { addUp, gradientOf, gradientShape } from "./append-gradients.ts";
import type { StepGraph } from "./step-graph.ts";

export type Feeds = Readonly<Record<string, HostTensor>>;

export interface StepResult {
  readonly loss: number;
  /** Before it is clipped. */
  readonly gradientNorm: number;
  /** The step graph's other outputs, of the last part, under their names; overwritten by the next steps. */
  readonly outputs: Feeds;
}

/** A step graph in a session, and the state it updates. */
export interface Stepper {
  /** The state after the last finite step. The next writes to its arrays, and may put others in their places. */
  readonly state: () => OptimizerState;
  /**
   * Do one update.
   *
   * A batch may come in parts, for less memory: each part's gradient, by its share of the batch's `weights`, is added up, and
   * one update follows. A weighted mean over the batch is that of its parts' means, so the update is that of the whole batch
   * but for rounding. Not for losses that compare a batch's examples with one another.
   * @param which  the step graph to run, by its place in the list; default the first
   * @throws GraftError LOSS_NOT_FINITE; the state is then still that of the step before. UPDATE_BROKEN; it is then lost.
   */
  readonly step: (batch: Feeds | readonly Feeds[], learningRate: number, which?: number) => Promise<StepResult>;
  readonly release: () => Promise<void>;
}

/**
 * Open step graphs that update one state (graphs of one layout, e.g. for texts of several lengths).
 * @param start  its arrays, each alone in its buffer, become the stepper's, and are written to
 * @throws GraftError NO_WEBASSEMBLY
 */
export async function openStepper(
  runtime: Runtime,
  stepGraphs: StepGraph | readonly StepGraph[],
  optimizer: AdamWOptions,
  start: OptimizerState,
  options?: SessionOptions,
): Promise<Stepper> {
  const all = [stepGraphs].flat();
  const { layout } = all[0]!;
  const { state, apply, close } = await openUpdate(runtime, layout, optimizer, start, options);
  const { gradients, run, release } = await openGradients(runtime, all, options).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  let sums: Float32Array[] | undefined;

  async function stepWhole(feeds: Feeds, learningRate: number, which: number): Promise<StepResult> {
    const outputs = await run(feeds, state().theta, which);
    const loss = numberIn(outputs.loss);
    return { loss, gradientNorm: await apply(gradients, loss, learningRate), outputs };
  }

  async function stepInParts(parts: readonly Feeds[], learningRate: number, which: number): Promise<StepResult> {
    const weights = parts.map((part) => sumOf(part.weights!.data as Float32Array));
    const total = sumOf(weights);
    sums ??= [...zeroVectors(layout)];
    for (const sum of sums) sum.fill(0);
    let loss = 0;
    let outputs: Feeds = {};
    for (const [k, part] of parts.entries()) {
      const share = total === 0 ? 0 : weights[k]! / total;
      outputs = await run(part, state().theta, which);
      loss += share * numberIn(outputs.loss);
      addUp(sums, gradients, share);
    }
    return { loss, gradientNorm: await apply(sums, loss, learningRate), outputs };
  }

  return {
    state,
    release: () => close().finally(release),
    step(batch, learningRate, which = 0) {
      const parts = [batch].flat();
      return parts.length === 1 ? stepWhole(parts[0]!, learningRate, which) : stepInParts(parts, learningRate, which);
    },
  };
}

const sumOf = (numbers: ArrayLike<number>): number => Array.from(numbers).reduce((a, b) => a + b, 0);

/** Step graphs of one layout in sessions, and one set of arrays for their gradients. */
interface OpenGradients {
  /** Of the last run, in layout order. The next writes to those that then are in the list. */
  readonly gradients: Float32Array[];
  /** Run one of the graphs. @returns its other outputs; their arrays are the next run's too */
  run(feeds: Feeds, theta: Vectors, which: number): Promise<Feeds>;
  release(): Promise<void>;
}

async function openGradients(
  runtime: Runtime,
  stepGraphs: readonly StepGraph[],
  options?: SessionOptions,
): Promise<OpenGradients> {
  const { layout } = stepGraphs[0]!;
  const gradients = [...zeroVectors(layout)];
  const names = new Set(layout.map(({ name }) => gradientOf(name)));
  const opened: { readonly session: Session; readonly others: Record<string, HostTensor> }[] = [];
  const release = async () => {
    for (const { session } of opened) await session.release();
  };
  try {
    for (const { graph } of stepGraphs) {
      const session = await runtime.open(graph, options);
      const others = graph.outputs.filter((name) => !names.has(name));
      opened.push({ session, others: outputBuffers(session, others) });
    }
  } catch (error) {
    await release();
    throw error;
  }
  return {
    gradients,
    release,
    run(feeds, theta, which) {
      const { session, others } = opened[which]!;
      const written = layout.map((vector, k): [string, HostTensor] => [
        gradientOf(vector.name),
        { dtype: "float32", shape: gradientShape(vector), data: gradients[k]! },
      ]);
      return session.run({ ...feeds, ...vectorTensors(layout, theta) }, { ...Object.fromEntries(written), ...others });
    },
  };
}

/** Vectors as the tensors that a step graph takes. */
export const vectorTensors = (layout: ParameterLayout, vectors: Vectors): Record<string, HostTensor> =>
  Object.fromEntries(layout.map(({ name, size }, k) => [name, { dtype: "float32", shape: [size], data: vectors[k]! }]));

export const numberIn = (tensor: HostTensor | undefined): number => Number(tensor?.data[0] ?? Number.NaN);
