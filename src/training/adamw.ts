import { GraftError } from "../base/index.ts";
import { type Entry, type ParameterLayout, type Vectors, zeroVectors } from "../parameters/index.ts";
import type { Runtime } from "../runtime/index.ts";
import { factorsOf } from "./walk.ts";
import { openWalks } from "./walk-threads.ts";

/** Settings of AdamW (Loshchilov & Hutter 2019, algorithm 2); the learning rate comes with each update. */
export interface AdamWOptions {
  /** Decay of the gradient's mean; default 0.9. */
  readonly beta1?: number;
  /** Decay of its square; default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the second moment; default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled weight decay per unit of learning rate; default 0. */
  readonly weightDecay?: number;
  /** Largest norm of the whole gradient, above 0; larger ones are scaled down to it. Default: no limit. */
  readonly clipNorm?: number;
}

const DEFAULTS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 } as const;

/** Everything the optimiser carries from step to step. */
export interface OptimizerState {
  /** Updates done. */
  readonly step: number;
  readonly theta: Vectors;
  readonly m: Vectors;
  readonly v: Vectors;
}

/** The state before the first step. */
export const initialState = ({ layout }: { readonly layout: ParameterLayout }, theta: Vectors): OptimizerState => ({
  step: 0,
  theta,
  m: written(zeroVectors(layout)),
  v: written(zeroVectors(layout)),
});

/** Memory that is read before it is written to is made twice, and threads wait for one another meanwhile. */
const written = (zeros: Vectors): Vectors => zeros.map((vector) => vector.fill(0));

/** AdamW in place: no second set of parameters and moments. */
export interface Update {
  /** The state after the last update. The next writes to its arrays, and may put others in their places. */
  readonly state: () => OptimizerState;
  /**
   * One update.
   * @param gradients  in layout order, each alone in its buffer; others may be put in their places, with the same numbers
   * @returns          their norm, before it is clipped
   * @throws GraftError LOSS_NOT_FINITE, the state is then still that before; UPDATE_BROKEN where a thread ended in it, and with it the state
   */
  apply(gradients: Float32Array[], loss: number, learningRate: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * Open the update of a layout:
 * m' = β₁m + (1−β₁)g,  v' = β₂v + (1−β₂)g²,  θ' = θ − lr·s·( m'·c₁ / (√(v'·c₂) + ε) + λθ ),  c = 1/(1−βᵗ).
 *
 * One walk through each vector, for memory is what an update waits for: as operations of a graph it took four times as long
 * (docs/experiments.md).
 * @param start    its arrays, each alone in its buffer, become the update's, and are written to
 * @param threads  that share many parameters; default all cores. They change no bit.
 * @throws GraftError NO_WEBASSEMBLY
 */
export async function openUpdate(
  runtime: Pick<Runtime, "cores" | "startWorker">,
  layout: ParameterLayout,
  optimizer: AdamWOptions,
  start: OptimizerState,
  { threads }: { readonly threads?: number | undefined } = {},
): Promise<Update> {
  const { beta1, beta2, epsilon, weightDecay, clipNorm } = { ...DEFAULTS, ...optimizer };
  const stretches = layout.map(({ entries }) => stretchesOf(entries, weightDecay));
  const sizes = layout.map(({ size }) => size);
  const walks = await openWalks(runtime, sizes, { threads });
  let state = start;
  let broken: GraftError | undefined;
  /** What a thread that ends was given is lost. */
  const orBroken = (cause: unknown): never => {
    broken = new GraftError("UPDATE_BROKEN", {
      thing: `training step ${state.step + 1}`,
      place: `a thread ended that had some of the parameters (${cause instanceof Error ? cause.message : cause})`,
      remedy:
        "Go on from the last checkpoint (--resume); where it happens again, free memory, or begin anew with --threads 1",
      cause,
    });
    throw broken;
  };
  return {
    state() {
      if (broken) throw broken;
      return state;
    },
    close: walks.close,
    async apply(gradients, loss, learningRate) {
      const { sums, vectors } = await walks.squares(gradients).catch(orBroken);
      gradients.splice(0, gradients.length, ...vectors);
      const norm = Math.sqrt(sums.reduce((all, sum) => all + sum, 0));
      const clip = clipNorm === undefined || norm <= clipNorm ? 1 : clipNorm / norm;
      const step = state.step + 1;
      checkFinite(step, loss, norm, clip);
      const [correction1, correction2] = [1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)];
      const shared = { clip, beta1, beta2, correction1, correction2, epsilon };
      const updates = stretches.map((parts, k) => ({
        theta: state.theta[k]!,
        m: state.m[k]!,
        v: state.v[k]!,
        gradient: gradients[k]!,
        stretches: parts.map(({ from, to, decay, scale }) => {
          const rate = Math.fround(scale) * Math.fround(learningRate);
          return { from, to, factors: factorsOf({ ...shared, decay, rate }) };
        }),
      }));
      const updated = await walks.update(updates).catch(orBroken);
      gradients.splice(0, gradients.length, ...updated.map(({ gradient }) => gradient));
      state = {
        step,
        theta: updated.map(({ theta }) => theta),
        m: updated.map(({ m }) => m),
        v: updated.map(({ v }) => v),
      };
      return norm;
    },
  };
}

/** What no number of the update may exceed: squares of the clipped gradient are float32. Throws LOSS_NOT_FINITE. */
function checkFinite(step: number, loss: number, norm: number, clip: number): void {
  if (Number.isFinite(loss) && Number.isFinite(Math.fround((clip * norm) ** 2))) return;
  throw new GraftError("LOSS_NOT_FINITE", {
    thing: `training step ${step}`,
    place: `the loss is ${loss} and the norm of its gradient ${norm}`,
    remedy: "Lower the learning rate, or clip the gradient's norm",
  });
}

/** A stretch of a vector that one decay and one factor on the rate hold for. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly decay: number;
  readonly scale: number;
}

/** A vector's entries, those that one follows the other with the same factors taken together. */
function stretchesOf(entries: readonly Entry[], weightDecay: number): Stretch[] {
  const stretches: Stretch[] = [];
  for (const { offset, size, decay: decays = true, learningRateScale: scale = 1 } of entries) {
    const next = { from: offset, to: offset + size, decay: decays ? weightDecay : 0, scale };
    const last = stretches.at(-1);
    if (last && last.to === next.from && last.decay === next.decay && last.scale === scale)
      stretches[stretches.length - 1] = { ...next, from: last.from };
    else stretches.push(next);
  }
  return stretches;
}
