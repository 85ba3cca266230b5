import { GraftError } from "../base/index.ts";
import type { Entry, ParameterLayout, Vectors } from "../parameters/index.ts";
import { kernel } from "./adamw-kernel.ts";
import type { OptimizerState } from "./stepper.ts";

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
  /** Largest norm of the whole gradient; larger ones are scaled down to it. Default: no limit. */
  readonly clipNorm?: number;
}

const DEFAULTS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 } as const;

/** AdamW in place: no second set of parameters and moments. */
export interface Update {
  /** The state after the last update; its arrays are written to by the next. */
  readonly state: () => OptimizerState;
  /**
   * One update.
   * @param gradients  in layout order
   * @returns          their norm, before it is clipped
   * @throws GraftError LOSS_NOT_FINITE; the state is then still that before
   */
  apply(gradients: Vectors, loss: number, learningRate: number): number;
}

/** What adamw.wat exports. */
interface Kernel {
  readonly memory: WebAssembly.Memory;
  update(
    ...args: [
      ...[theta: number, m: number, v: number, gradient: number, n: number],
      ...[clip: number, beta1: number, rest1: number, beta2: number, rest2: number],
      ...[correction1: number, correction2: number, epsilon: number, decay: number, rate: number],
    ]
  ): void;
  squares(x: number, n: number): number;
}

/** A stretch of a vector that one decay and one factor on the rate hold for. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly decay: number;
  readonly scale: number;
}

/** Elements of a vector that are copied to the kernel's memory at once; four such vectors stay in a core's cache. */
const CHUNK = 1 << 14;

/**
 * Bytes before each of them. Where a copy's target lies 16 bytes behind its source, both counted within their pages, it takes
 * seven times as long on an AMD EPYC (2.9 GB/s for 20), and JavaScript's large arrays begin 16 bytes behind a page's start.
 */
const APART = 64;

/**
 * Open the update of a layout:
 * m' = β₁m + (1−β₁)g,  v' = β₂v + (1−β₂)g²,  θ' = θ − lr·s·( m'·c₁ / (√(v'·c₂) + ε) + λθ ),  c = 1/(1−βᵗ).
 *
 * One walk through each vector, for memory is what an update waits for: as operations of a graph it took four times as long
 * (docs/experiments.md).
 * @param start  its arrays become the update's
 */
export function openUpdate(layout: ParameterLayout, optimizer: AdamWOptions, start: OptimizerState): Update {
  const { beta1, beta2, epsilon, weightDecay, clipNorm } = { ...DEFAULTS, ...optimizer };
  const { memory, update, squares } = new WebAssembly.Instance(new WebAssembly.Module(kernel()))
    .exports as unknown as Kernel;
  const places = [0, 1, 2, 3].map((k) => APART + k * (4 * CHUNK + APART));
  const missing = places.at(-1)! + 4 * CHUNK - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65536));
  const [thetaAt, mAt, vAt, gradientAt] = places as [number, number, number, number];
  const [thetaIn, mIn, vIn, gradientIn] = places.map((at) => new Float32Array(memory.buffer, at, CHUNK)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const stretches = layout.map(({ entries }) => stretchesOf(entries, weightDecay));
  let state = start;

  function normOf(gradients: Vectors): number {
    let sum = 0;
    for (const gradient of gradients)
      for (const [from, to] of chunks(0, gradient.length)) {
        gradientIn.set(gradient.subarray(from, to));
        const whole = Math.ceil((to - from) / 4) * 4;
        gradientIn.fill(0, to - from, whole);
        sum += squares(gradientAt, whole);
      }
    return Math.sqrt(sum);
  }

  return {
    state: () => state,
    apply(gradients, loss, learningRate) {
      const norm = normOf(gradients);
      const step = state.step + 1;
      checkFinite(step, loss, norm);
      const [correction1, correction2] = [1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)];
      const clip = clipNorm === undefined ? 1 : Math.min(1, clipNorm / norm);
      const { theta, m, v } = state;
      for (const [k, parts] of stretches.entries())
        for (const { from: first, to: last, decay, scale } of parts) {
          const rate = Math.fround(scale) * Math.fround(learningRate);
          for (const [from, to] of chunks(first, last)) {
            thetaIn.set(theta[k]!.subarray(from, to));
            mIn.set(m[k]!.subarray(from, to));
            vIn.set(v[k]!.subarray(from, to));
            gradientIn.set(gradients[k]!.subarray(from, to));
            update(
              ...([thetaAt, mAt, vAt, gradientAt, to - from] as const),
              ...([clip, beta1, 1 - beta1, beta2, 1 - beta2] as const),
              ...([correction1, correction2, epsilon, decay, rate] as const),
            );
            theta[k]!.set(thetaIn.subarray(0, to - from), from);
            m[k]!.set(mIn.subarray(0, to - from), from);
            v[k]!.set(vIn.subarray(0, to - from), from);
          }
        }
      state = { ...state, step };
      return norm;
    },
  };
}

/** @throws GraftError LOSS_NOT_FINITE */
function checkFinite(step: number, loss: number, norm: number): void {
  if (Number.isFinite(loss) && Number.isFinite(norm)) return;
  throw new GraftError("LOSS_NOT_FINITE", {
    thing: `training step ${step}`,
    place: `the loss is ${loss} and the norm of its gradient ${norm}`,
    remedy: "Lower the learning rate, or clip the gradient's norm",
  });
}

const chunks = (first: number, last: number): [from: number, to: number][] =>
  Array.from({ length: Math.ceil((last - first) / CHUNK) }, (_, k) => [
    first + k * CHUNK,
    Math.min(last, first + (k + 1) * CHUNK),
  ]);

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
