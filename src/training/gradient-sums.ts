import { type DifferentiateOptions, differentiate } from "../autodiff/index.ts";
import { GraftError } from "../base/index.ts";
import { type Builder, createBuilder, type Graph, prune, type Value } from "../graph/index.ts";
import type { DeclaredParameters, ParameterLayout, Vectors } from "../parameters/index.ts";
import type { HostTensor, Session } from "../runtime/index.ts";
import { type AdamWOptions, adamwScalars, appendAdamW } from "./adamw.ts";
import { numberIn, type OptimizerState, stateTensors, takeTurns, vectorTensors } from "./stepper.ts";

/**
 * Add the gradient of a value to sums that are fed: inputs `<vector>.sum`, outputs `<vector>.sum.next`.
 * @returns  names of the outputs
 */
export function appendSums(
  g: Builder,
  layout: ParameterLayout,
  { tensors }: DeclaredParameters,
  value: Value,
  how: DifferentiateOptions = {},
): string[] {
  const names = [...tensors.keys()];
  const gradients = differentiate(
    g,
    value,
    names.map((name) => tensors.get(name)!),
    how,
  );
  const byName = new Map(names.map((name, k) => [name, gradients[k]!]));
  return layout.map(({ name, size, entries }) => {
    const flat = g.concat(
      entries.map((entry) => g.reshape(byName.get(entry.name)!, [entry.size])),
      0,
    );
    return g.rename(g.add(g.input(`${name}.sum`, "float32", [size]), flat), `${name}.sum.next`).name;
  });
}

/** The state of a training whose gradients are summed over several runs, and its update. */
export interface SummedUpdate {
  readonly state: () => OptimizerState;
  /** One AdamW update. Throws LOSS_NOT_FINITE; the state is then still that before. */
  update(sums: Vectors, loss: number, learningRate: number): Promise<void>;
}

/** Open the update from gradients that are given. @param open  opens a session that the caller releases */
export async function openUpdate(
  open: (graph: Graph) => Promise<Session>,
  layout: ParameterLayout,
  optimizer: AdamWOptions,
  start: OptimizerState,
): Promise<SummedUpdate> {
  const session = await open(updateGraph(layout, optimizer));
  const turns = takeTurns(start);
  const norms: HostTensor = { dtype: "float32", shape: [1], data: new Float32Array(1) };
  return {
    state: turns.current,
    async update(sums, loss, learningRate) {
      const count = turns.current().step + 1;
      const scalars = Object.entries(adamwScalars(count, learningRate, optimizer)).map(
        ([name, value]) => [name, { dtype: "float32", shape: [1], data: Float32Array.of(value) }] as const,
      );
      const { gradient_norm } = await session.run(
        {
          ...Object.fromEntries(scalars),
          ...vectorTensors(layout, sums, ".gradient"),
          ...stateTensors(layout, turns.current(), ""),
        },
        { ...stateTensors(layout, turns.spare(), ".next"), gradient_norm: norms },
      );
      const norm = numberIn(gradient_norm);
      if (!Number.isFinite(loss) || !Number.isFinite(norm))
        throw new GraftError("LOSS_NOT_FINITE", {
          thing: `training step ${count}`,
          place: `the loss is ${loss} and the norm of its gradient ${norm}`,
          remedy: "Lower the learning rate, or clip the gradient's norm",
        });
      turns.advance();
    },
  };
}

/** One AdamW update from a gradient that is given. */
function updateGraph(layout: ParameterLayout, optimizer: AdamWOptions): Graph {
  const g = createBuilder();
  const vectors = layout.map(({ name, size }) => g.input(name, "float32", [size]));
  const gradients = new Map<string, Value>();
  for (const { name, size, entries } of layout) {
    const flat = g.input(`${name}.gradient`, "float32", [size]);
    const parts = g.split(
      flat,
      0,
      entries.map((entry) => entry.size),
    );
    for (const [k, entry] of entries.entries()) gradients.set(entry.name, parts[k]!);
  }
  const { outputs, gradientNorm } = appendAdamW(g, layout, { vectors, tensors: new Map() }, gradients, optimizer);
  return prune(g.toGraph([g.rename(gradientNorm, "gradient_norm").name, ...outputs]));
}
