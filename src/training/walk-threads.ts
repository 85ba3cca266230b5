import type { HostWorker, Runtime } from "../runtime/index.ts";
import { kernel } from "./adamw-kernel.ts";
import { CHUNK, checkKernel, PLACES, sumOfSquares, updateVector, type VectorUpdate } from "./walk.ts";

/**
 * Walks through all vectors, in several threads at once, for one core does not read memory as fast as it is. Vectors go to another
 * thread by handing their memory over, and come back as other arrays; each must be alone in its buffer.
 */
export interface Walks {
  /** The sum of each vector's squares, and the vectors, in their places. */
  squares(vectors: readonly Float32Array[]): Promise<{ readonly sums: number[]; readonly vectors: Float32Array[] }>;
  /** @returns the vectors, updated, in their places */
  update(vectors: readonly VectorUpdate[]): Promise<VectorUpdate[]>;
  close(): Promise<void>;
}

/** Numbers of all vectors from which threads are started: a hundredth of a second's update, or more. */
const LARGE = 1 << 22;

/** With more threads the largest vector, of a text model its tokens', is what all wait for. */
const MOST = 4;

/**
 * @param sizes    of the vectors, in the order in which they come
 * @param threads  default all cores
 * @throws GraftError NO_WEBASSEMBLY
 */
export async function openWalks(
  { cores, startWorker }: Pick<Runtime, "cores" | "startWorker">,
  sizes: readonly number[],
  { threads = cores }: { readonly threads?: number | undefined } = {},
): Promise<Walks> {
  checkKernel();
  const isLarge = sizes.reduce((sum, size) => sum + size, 0) >= LARGE;
  const others = isLarge ? Math.min(threads, sizes.length, MOST) - 1 : 0;
  const started = await Promise.all(Array.from({ length: others }, () => startWorker(WORKER)));
  const workers = started.filter((worker) => worker !== undefined);
  const [own, ...lanes] = lanesOf(sizes, workers.length + 1) as [number[], ...number[][]];
  const bytes = kernel();

  /** `here` for the vectors of this thread, and what the others answer for theirs, in their places. */
  async function spread<T>(here: (k: number) => T, there: (worker: HostWorker, lane: number[]) => Promise<T[]>) {
    const asked = workers.map((worker, w) => there(worker, lanes[w]!));
    const all: T[] = [];
    for (const k of own) all[k] = here(k);
    for (const [w, answers] of (await Promise.all(asked)).entries())
      for (const [at, answer] of answers.entries()) all[lanes[w]![at]!] = answer;
    return all;
  }
  const ask = (worker: HostWorker, message: object, arrays: readonly Float32Array[]): Promise<unknown> =>
    worker.ask(
      { bytes, ...message },
      arrays.map(({ buffer }) => buffer as ArrayBuffer),
    );

  return {
    async squares(vectors) {
      const done = await spread<{ sum: number; vector: Float32Array }>(
        (k) => ({ sum: sumOfSquares(vectors[k]!), vector: vectors[k]! }),
        async (worker, lane) => {
          const theirs = lane.map((k) => vectors[k]!);
          return (await ask(worker, { squares: theirs }, theirs)) as { sum: number; vector: Float32Array }[];
        },
      );
      return { sums: done.map(({ sum }) => sum), vectors: done.map(({ vector }) => vector) };
    },
    update(vectors) {
      return spread(
        (k) => {
          updateVector(vectors[k]!);
          return vectors[k]!;
        },
        async (worker, lane) => {
          const theirs = lane.map((k) => vectors[k]!);
          const arrays = theirs.flatMap(({ theta, m, v, gradient }) => [theta, m, v, gradient]);
          return (await ask(worker, { updates: theirs }, arrays)) as VectorUpdate[];
        },
      );
    },
    close: async () => void (await Promise.all(workers.map((worker) => worker.close()))),
  };
}

/** The vectors of each of some threads: the largest first, each to the thread that has least. */
function lanesOf(sizes: readonly number[], count: number): number[][] {
  const lanes = Array.from({ length: count }, () => ({ total: 0, vectors: [] as number[] }));
  for (const k of [...sizes.keys()].sort((a, b) => sizes[b]! - sizes[a]! || a - b)) {
    const least = lanes.reduce((best, lane) => (lane.total < best.total ? lane : best));
    least.vectors.push(k);
    least.total += sizes[k]!;
  }
  return lanes.map(({ vectors }) => vectors);
}

/**
 * `sumOfSquares` and `updateVector` as a function's source for a thread that has nothing of walk.ts: the kernel's `bytes` and
 * either `squares`, vectors, or `updates`, → the same with their memory handed back.
 */
const WORKER = `(() => {
  let kernel, rooms;
  const places = ${JSON.stringify(PLACES)};
  const chunk = ${CHUNK};
  return ({ bytes, squares = [], updates = [] }) => {
    if (!kernel) {
      kernel = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
      const missing = places[3] + 4 * chunk - kernel.memory.buffer.byteLength;
      kernel.memory.grow(Math.max(0, Math.ceil(missing / 65536)));
      rooms = places.map((at) => new Float32Array(kernel.memory.buffer, at, chunk));
    }
    const sums = squares.map((vector) => {
      let sum = 0;
      for (let from = 0; from < vector.length; from += chunk) {
        const size = Math.min(chunk, vector.length - from);
        const whole = Math.ceil(size / 4) * 4;
        rooms[0].set(vector.subarray(from, from + size));
        rooms[0].fill(0, size, whole);
        sum += kernel.squares(places[0], whole);
      }
      return { sum, vector };
    });
    for (const { theta, m, v, gradient, stretches } of updates)
      for (const { from: first, to: last, factors } of stretches)
        for (let from = first; from < last; from += chunk) {
          const to = Math.min(last, from + chunk);
          [theta, m, v, gradient].forEach((vector, k) => rooms[k].set(vector.subarray(from, to)));
          kernel.update(...places, to - from, ...factors);
          [theta, m, v].forEach((vector, k) => vector.set(rooms[k].subarray(0, to - from), from));
        }
    const arrays = [...squares, ...updates.flatMap(({ theta, m, v, gradient }) => [theta, m, v, gradient])];
    return [squares.length > 0 ? sums : updates, arrays.map(({ buffer }) => buffer)];
  };
})()`;
