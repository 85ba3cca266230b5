import { GraftError } from "../base/index.ts";
import { kernel } from "./adamw-kernel.ts";

/** What adamw.wat exports. */
interface Kernel {
  readonly memory: WebAssembly.Memory;
  update(theta: number, m: number, v: number, gradient: number, n: number, ...factors: readonly number[]): void;
  squares(x: number, n: number): number;
}

/** The kernel, and the rooms in its memory that stretches of vectors are copied to. */
interface Walk extends Kernel {
  readonly rooms: readonly Float32Array[];
}

/** What is to be updated: a vector, and what that needs of its length. */
export interface VectorUpdate {
  readonly theta: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly gradient: Float32Array;
  /** Stretches that the same factors hold for. */
  readonly stretches: readonly {
    readonly from: number;
    readonly to: number;
    /** As `factorsOf` lists them. */
    readonly factors: readonly number[];
  }[];
}

/** What an update multiplies by, or adds; rounded to float32. */
interface UpdateFactors {
  readonly clip: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly correction1: number;
  readonly correction2: number;
  readonly epsilon: number;
  readonly decay: number;
  readonly rate: number;
}

/** Elements of a vector that are copied to the kernel's memory at once; four such rooms stay in a core's cache. */
export const CHUNK = 1 << 14;

/**
 * Bytes before each room. Where a copy's target lies 16 bytes behind its source, both counted within their pages, it takes
 * seven times as long on an AMD EPYC (2.9 GB/s for 20), and JavaScript's large arrays begin 16 bytes behind a page's start.
 */
const APART = 64;

/** Where the rooms begin in the kernel's memory. */
export const PLACES: readonly number[] = [0, 1, 2, 3].map((k) => APART + k * (4 * CHUNK + APART));

const PAGE = 65536;

/** One for all trainings: nothing is left in it between two calls. */
let opened: Walk | undefined;

/** WebAssembly SIMD is in every browser and Node that ONNX Runtime runs in. Throws NO_WEBASSEMBLY. */
function open(): Walk {
  if (opened) return opened;
  try {
    const own = new WebAssembly.Instance(new WebAssembly.Module(kernel())).exports as unknown as Kernel;
    const missing = PLACES.at(-1)! + 4 * CHUNK - own.memory.buffer.byteLength;
    own.memory.grow(Math.max(0, Math.ceil(missing / PAGE)));
    const rooms = PLACES.map((at) => new Float32Array(own.memory.buffer, at, CHUNK));
    opened = { ...own, rooms };
    return opened;
  } catch (cause) {
    throw new GraftError("NO_WEBASSEMBLY", {
      thing: "the optimiser's kernel",
      place: `WebAssembly could not open it: ${cause instanceof Error ? cause.message : cause}`,
      remedy:
        "Training needs WebAssembly with SIMD and some 10 GB of address space: lift its limit (ulimit -v unlimited)",
      cause,
    });
  }
}

/** Have the kernel ready before anything else is. Throws NO_WEBASSEMBLY. */
export const checkKernel = (): void => void open();

/** The sum of a vector's squares, in float64. */
export function sumOfSquares(vector: Float32Array): number {
  const { rooms, squares } = open();
  let sum = 0;
  for (let from = 0; from < vector.length; from += CHUNK) {
    const size = Math.min(CHUNK, vector.length - from);
    const whole = Math.ceil(size / 4) * 4;
    rooms[0]!.set(vector.subarray(from, from + size));
    rooms[0]!.fill(0, size, whole);
    sum += squares(PLACES[0]!, whole);
  }
  return sum;
}

/** What the kernel's `update` takes behind a length. */
export const factorsOf = (factors: UpdateFactors): readonly number[] => {
  const { clip, beta1, beta2, correction1, correction2, epsilon, decay, rate } = factors;
  return [clip, beta1, 1 - beta1, beta2, 1 - beta2, correction1, correction2, epsilon, decay, rate];
};

/** Update a vector and its moments in place, as `openUpdate` says. */
export function updateVector({ theta, m, v, gradient, stretches }: VectorUpdate): void {
  const { rooms, update } = open();
  const [thetaAt, mAt, vAt, gradientAt] = PLACES as [number, number, number, number];
  const written = [theta, m, v];
  for (const { from: first, to: last, factors } of stretches)
    for (let from = first; from < last; from += CHUNK) {
      const to = Math.min(last, from + CHUNK);
      for (const [k, vector] of [...written, gradient].entries()) rooms[k]!.set(vector.subarray(from, to));
      update(thetaAt, mAt, vAt, gradientAt, to - from, ...factors);
      for (const [k, vector] of written.entries()) vector.set(rooms[k]!.subarray(0, to - from), from);
    }
}
