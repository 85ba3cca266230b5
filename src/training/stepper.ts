import { GraftError } from "../base/index.ts";
import { type Vectors, zeroVectors } from "../parameters/index.ts";
import type { HostTensor, Runtime, Session, SessionOptions } from "../runtime/index.ts";
import { adamwScalars } from "./adamw.ts";
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
  /** The state after the last finite step; its arrays are overwritten two steps later. */
  readonly state: () => OptimizerState;
  /**
   * Do one update.
   * @throws GraftError LOSS_NOT_FINITE; the state is then still that of the step before
   */
  readonly step: (feeds: Readonly<Record<string, HostTensor>>, learningRate: number) => Promise<StepResult>;
  readonly release: () => Promise<void>;
}

/** The state before the first step. */
export const initialState = (stepGraph: StepGraph, theta: Vectors): OptimizerState => ({
  step: 0,
  theta,
  m: zeroVectors(stepGraph.layout),
  v: zeroVectors(stepGraph.layout),
});

/** Open a step graph. The given state is copied. */
export async function openStepper(
  runtime: Runtime,
  stepGraph: StepGraph,
  start: OptimizerState,
  options?: SessionOptions,
): Promise<Stepper> {
  const session = await runtime.open(stepGraph.graph, options);
  // Two sets of buffers take turns: a step reads one and writes the other, so a bad step can be thrown away.
  let current = copyState(start);
  let spare = copyState(start);
  const small = stepGraph.graph.outputs.filter((name) => !name.endsWith(".next"));
  const buffers = new Map<string, HostTensor>();
  return {
    state: () => current,
    release: () => session.release(),
    async step(feeds, learningRate) {
      const count = current.step + 1;
      const scalars = Object.entries(adamwScalars(count, learningRate, stepGraph.optimizer)).map(
        ([name, value]) => [name, { dtype: "float32", shape: [1], data: Float32Array.of(value) }] as const,
      );
      const results = await runInto(session, small, buffers, {
        feeds: { ...feeds, ...Object.fromEntries(scalars), ...stateTensors(stepGraph, current, "") },
        next: stateTensors(stepGraph, spare, ".next"),
      });
      const [loss, gradientNorm] = [numberIn(results.loss), numberIn(results.gradient_norm)];
      if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm))
        throw new GraftError("LOSS_NOT_FINITE", {
          thing: `training step ${count}`,
          place: `the loss is ${loss} and the norm of its gradient ${gradientNorm}`,
          remedy: "Lower the learning rate, or clip the gradient's norm",
        });
      [current, spare] = [{ ...spare, step: count }, current];
      return { loss, gradientNorm, outputs: results };
    },
  };
}

/** Run with the state's next arrays as output buffers; the other outputs keep a buffer each from the first run on. */
async function runInto(
  session: Session,
  small: readonly string[],
  buffers: Map<string, HostTensor>,
  { feeds, next }: { feeds: Record<string, HostTensor>; next: Record<string, HostTensor> },
): Promise<Record<string, HostTensor>> {
  for (const name of small) {
    const type = session.outputTypes.get(name);
    const shape = (type?.shape ?? []).map(Number);
    if (!buffers.has(name))
      buffers.set(name, { dtype: "float32", shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  }
  return session.run(feeds, { ...next, ...Object.fromEntries(buffers) });
}

function stateTensors({ layout }: StepGraph, { theta, m, v }: OptimizerState, suffix: string) {
  const named: Record<string, HostTensor> = {};
  layout.forEach(({ name, size }, k) => {
    for (const [key, vectors] of [
      ["", theta],
      [".m", m],
      [".v", v],
    ] as const)
      named[`${name}${key}${suffix}`] = { dtype: "float32", shape: [size], data: vectors[k]! };
  });
  return named;
}

const numberIn = (tensor: HostTensor | undefined): number => Number(tensor?.data[0] ?? Number.NaN);

const copyState = ({ step, theta, m, v }: OptimizerState): OptimizerState => ({
  step,
  theta: theta.map((x) => x.slice()),
  m: m.map((x) => x.slice()),
  v: v.map((x) => x.slice()),
});
