import type { Graph } from "../graph/index.ts";
import type { ParameterLayout, Vectors } from "../parameters/index.ts";
import type { HostTensor, Runtime, Session, SessionOptions } from "../runtime/index.ts";
import { type AdamWOptions, openUpdate } from "./adamw.ts";
import { numberIn, type OptimizerState, type Stepper, vectorTensors } from "./stepper.ts";

/** Names of what a part's graph takes and gives besides its inputs and sums. */
export const SHARE = "share";

export interface AccumulatingStepper extends Pick<Stepper, "state" | "release"> {
  /** @param parts  feeds of each part's graph, `weights` among them */
  step(
    parts: readonly Readonly<Record<string, HostTensor>>[],
    learningRate: number,
    which: number,
  ): Promise<{ readonly loss: number }>;
}

/**
 * Steps over a batch in parts, for less memory: each part's gradient, by its share of the batch's weights, is added up,
 * and one update follows. A weighted mean over the batch is that of its parts' means, so the update is that of the
 * whole batch but for rounding. Not for losses that compare a batch's examples with one another.
 * @param graphs  of a part, for each length of texts: `partGradient`
 */
export async function openAccumulatingStepper(
  runtime: Runtime,
  graphs: readonly Graph[],
  layout: ParameterLayout,
  optimizer: AdamWOptions,
  start: OptimizerState,
  options: SessionOptions,
): Promise<AccumulatingStepper> {
  const opened: Session[] = [];
  const open = async (graph: Graph) => {
    const session = await runtime.open(graph, options);
    opened.push(session);
    return session;
  };
  const release = async () => {
    for (const session of opened) await session.release();
  };
  try {
    const sessions: Session[] = [];
    for (const graph of graphs) sessions.push(await open(graph));
    const { state, apply } = openUpdate(layout, optimizer, start);
    return {
      state,
      release,
      async step(parts, learningRate, which) {
        const theta = vectorTensors(layout, state().theta, "");
        const weights = parts.map((part) => sumOf(part.weights!.data as Float32Array));
        const total = sumOf(weights);
        let sums: Vectors = layout.map(({ size }) => new Float32Array(size));
        let loss = 0;
        for (const [k, part] of parts.entries()) {
          const share = total === 0 ? 0 : weights[k]! / total;
          const result = await sessions[which]!.run({
            ...part,
            ...theta,
            ...vectorTensors(layout, sums, ".sum"),
            [SHARE]: { dtype: "float32", shape: [1], data: Float32Array.of(share) },
          });
          sums = layout.map(({ name }) => result[`${name}.sum.next`]!.data as Float32Array);
          loss += share * numberIn(result.loss);
        }
        apply(sums, loss, learningRate);
        return { loss };
      },
    };
  } catch (error) {
    await release();
    throw error;
  }
}

const sumOf = (numbers: ArrayLike<number>): number => Array.from(numbers).reduce((a, b) => a + b, 0);
