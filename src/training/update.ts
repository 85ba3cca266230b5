import { GraftError } from "../base/index.ts";
import { createBuilder, type Graph } from "../graph/index.ts";
import type { ParameterLayout, Vectors } from "../parameters/index.ts";
import type { HostTensor, Session } from "../runtime/index.ts";
import { ADAMW_DEFAULTS, type AdamWOptions, adamwOf, adamwScalars, decaysOf, scalesOf } from "./adamw.ts";
import type { OptimizerState } from "./stepper.ts";

/** AdamW outside the step graph, in place: no second set of parameters and moments. */
export interface Update {
  /** The state after the last update; its arrays are written to by the next. Throws what an update that broke off threw. */
  readonly state: () => OptimizerState;
  /**
   * One update.
   * @param gradients  in layout order
   * @param norm       of all of them, where it is known
   * @throws GraftError LOSS_NOT_FINITE; the state is then still that before
   */
  apply(
    gradients: Vectors,
    known: { readonly loss: number; readonly norm?: number },
    learningRate: number,
  ): Promise<void>;
}

/** Elements of an update's run: what it reads and writes stays in a core's cache. */
const CHUNK = 1 << 18;

/**
 * Open the update of a layout.
 * @param open   opens a session that the caller releases
 * @param start  its arrays become the update's
 */
export async function openUpdate(
  open: (graph: Graph) => Promise<Session>,
  layout: ParameterLayout,
  optimizer: AdamWOptions,
  start: OptimizerState,
): Promise<Update> {
  const { weightDecay, clipNorm = Number.POSITIVE_INFINITY } = { ...ADAMW_DEFAULTS, ...optimizer };
  const squares = await open(squaresGraph());
  const sessions = { one: await open(updateGraph(optimizer, [1])), each: await open(updateGraph(optimizer, ["n"])) };
  const vectors = layout.map(({ size, entries }) => {
    const factors = { decay: decaysOf(entries, weightDecay), scale: scalesOf(entries) };
    const isUniform = Object.values(factors).every(({ length }) => length === 1);
    const whole = (numbers: Float32Array) =>
      numbers.length === 1 && !isUniform ? new Float32Array(size).fill(numbers[0]!) : numbers;
    return { size, isUniform, decay: whole(factors.decay), scale: whole(factors.scale) };
  });
  let state = start;
  let broken: unknown;

  const normOf = async (gradients: Vectors): Promise<number> => {
    let sum = 0;
    for (const gradient of gradients)
      for (const [from, to] of chunks(gradient.length)) {
        const { square } = await squares.run({ gradient: vector(gradient.subarray(from, to)) });
        sum += Number(square!.data[0]);
      }
    return Math.sqrt(sum);
  };

  return {
    state() {
      if (broken) throw broken;
      return state;
    },
    async apply(gradients, { loss, norm: known }, learningRate) {
      const norm = known ?? (await normOf(gradients));
      const step = state.step + 1;
      checkFinite(step, loss, norm);
      const factors = {
        ...adamwScalars(step, learningRate, optimizer),
        clip: Math.min(1, clipNorm / (norm + 1e-12)),
      };
      const scalars = Object.fromEntries(
        Object.entries(factors).map(([name, value]) => [name, vector(Float32Array.of(value))]),
      );
      const { theta, m, v } = state;
      try {
        for (const [k, { size, isUniform, decay, scale }] of vectors.entries()) {
          for (const [from, to] of chunks(size)) {
            const cut = (whole: Float32Array) => vector(whole.subarray(from, to));
            const factor = (numbers: Float32Array) => (isUniform ? vector(numbers) : cut(numbers));
            const parts = { theta: cut(theta[k]!), m: cut(m[k]!), v: cut(v[k]!) };
            await sessions[isUniform ? "one" : "each"].run(
              { ...scalars, ...parts, gradient: cut(gradients[k]!), decay: factor(decay), scale: factor(scale) },
              { "theta.next": parts.theta, "m.next": parts.m, "v.next": parts.v },
            );
          }
        }
      } catch (error) {
        broken = error;
        throw error;
      }
      state = { ...state, step };
    },
  };
}

/** @throws GraftError LOSS_NOT_FINITE */
export function checkFinite(step: number, loss: number, norm: number): void {
  if (Number.isFinite(loss) && Number.isFinite(norm)) return;
  throw new GraftError("LOSS_NOT_FINITE", {
    thing: `training step ${step}`,
    place: `the loss is ${loss} and the norm of its gradient ${norm}`,
    remedy: "Lower the learning rate, or clip the gradient's norm",
  });
}

const vector = (data: Float32Array): HostTensor => ({ dtype: "float32", shape: [data.length], data });

const chunks = (length: number): [from: number, to: number][] =>
  Array.from({ length: Math.ceil(length / CHUNK) }, (_, k) => [k * CHUNK, Math.min(length, (k + 1) * CHUNK)]);

function squaresGraph(): Graph {
  const g = createBuilder();
  g.rename(g.reduceSumSquare(g.input("gradient", "float32", ["n"]), [0]), "square");
  return g.toGraph(["square"]);
}

/**
 * The update of a stretch of a vector. Each output depends on its input of the same name element by element, and that input is
 * read no more once it is written, so both may lie in one place.
 * @param factor  shape of decay and scale
 */
function updateGraph(options: AdamWOptions, factor: readonly (string | number)[]): Graph {
  const g = createBuilder();
  const input = (name: string, shape: readonly (string | number)[]) => g.input(name, "float32", shape);
  const [theta, m, v] = [input("theta", ["n"]), input("m", ["n"]), input("v", ["n"])];
  const gradient = g.mul(input("gradient", ["n"]), input("clip", [1]));
  const factors = {
    rate: input("learning_rate", [1]),
    correction1: input("correction1", [1]),
    correction2: input("correction2", [1]),
    decay: input("decay", factor),
    scale: input("scale", factor),
  };
  const next = adamwOf(g, { theta, m, v, gradient }, factors, options);
  return g.toGraph([
    g.rename(next.theta, "theta.next").name,
    g.rename(next.m, "m.next").name,
    g.rename(next.v, "v.next").name,
  ]);
}
