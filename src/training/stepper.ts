import { type ParameterLayout, type Vectors, zeroVectors } from "../parameters/index.ts";
import type { HostTensor, Runtime, Session, SessionOptions } from "../runtime/index.ts";
import { openUpdate } from "./adamw.ts";
import type { StepGraph } from "./step-graph.ts";

/** Everything the optimiser carries from step to step. */
export interface OptimizerState {
  /** Updates done. */
  readonly step: number;
  readonly theta: Vectors;
  readonly m: Vectors;
  readonly v: Vectors;
}

export interface StepResult {
  readonly loss: number;
  readonly gradientNorm: number;
  /** The step graph's extra outputs. */
  readonly outputs: Readonly<Record<string, HostTensor>>;
}

/** A step graph in a session, holding the state it updates. */
export interface Stepper {
  /** The state after the last finite step; its arrays are overwritten by the next steps. */
  readonly state: () => OptimizerState;
  /**
   * Do one update.
   * @param which  the step graph to run, by its place in the list; default the first
   * @throws GraftError LOSS_NOT_FINITE; the state is then still that of the step before
   */
  readonly step: (
    feeds: Readonly<Record<string, HostTensor>>,
    learningRate: number,
    which?: number,
  ) => Promise<StepResult>;
  readonly release: () => Promise<void>;
}

interface OpenGraph {
  readonly stepGraph: StepGraph;
  readonly session: Session;
  /** Where small outputs are written, from the first run on. */
  readonly buffers: Map<string, HostTensor>;
}

/** The state before the first step. */
export const initialState = ({ layout }: Pick<StepGraph, "layout">, theta: Vectors): OptimizerState => ({
  step: 0,
  theta,
  m: zeroVectors(layout),
  v: zeroVectors(layout),
});

/** Open step graphs that update one state (graphs of one layout, e.g. for texts of several lengths). Its arrays become the stepper's. */
export async function openStepper(
  runtime: Runtime,
  stepGraphs: StepGraph | readonly StepGraph[],
  start: OptimizerState,
  options?: SessionOptions,
): Promise<Stepper> {
  const opened: OpenGraph[] = [];
  const release = async () => {
    for (const { session } of opened) await session.release();
  };
  try {
    for (const stepGraph of [stepGraphs].flat())
      opened.push({ stepGraph, session: await runtime.open(stepGraph.graph, options), buffers: new Map() });
  } catch (error) {
    await release();
    throw error;
  }
  const [{ stepGraph }] = opened as [OpenGraph, ...OpenGraph[]];
  const { layout, optimizer } = stepGraph;
  const { state, apply } = openUpdate(layout, optimizer, start);
  const gradients = zeroVectors(layout);
  return {
    state,
    release,
    async step(feeds, learningRate, which = 0) {
      const results = await runInto(opened[which]!, {
        feeds: { ...feeds, ...vectorTensors(layout, state().theta, "") },
        gradients: vectorTensors(layout, gradients, ".gradient"),
      });
      const loss = numberIn(results.loss);
      return { loss, gradientNorm: apply(gradients, loss, learningRate), outputs: results };
    },
  };
}

/** Run with the gradients' arrays as output buffers; the other outputs keep a buffer each from the first run on. */
async function runInto(
  { stepGraph, session, buffers }: OpenGraph,
  { feeds, gradients }: Readonly<Record<"feeds" | "gradients", Record<string, HostTensor>>>,
): Promise<Record<string, HostTensor>> {
  for (const name of stepGraph.graph.outputs.filter((name) => gradients[name] === undefined)) {
    const type = session.outputTypes.get(name);
    const shape = (type?.shape ?? []).map(Number);
    if (!buffers.has(name))
      buffers.set(name, { dtype: "float32", shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  }
  return session.run(feeds, { ...gradients, ...Object.fromEntries(buffers) });
}

export const vectorTensors = (layout: ParameterLayout, vectors: Vectors, suffix: string): Record<string, HostTensor> =>
  Object.fromEntries(
    layout.map(({ name, size }, k) => [
      `${name}${suffix}`,
      { dtype: "float32", shape: [size], data: vectors[k]! } as const,
    ]),
  );

export const numberIn = (tensor: HostTensor | undefined): number => Number(tensor?.data[0] ?? Number.NaN);
