import type { HostWorker, Runtime } from "../runtime/index.ts";
import {
  checkFault,
  descending,
  EIGENVALUES_WORKER,
  eigenvaluesSymmetric,
  type WorkerEigenvalues,
} from "./eigenvalues.ts";
import { kernel } from "./eigenvalues-kernel.ts";

/** Eigenvalues of many matrices, on several cores. */
export interface EigenPool {
  /** @param grams [count, d, d] → of each, d eigenvalues, descending. Throws as `eigenvaluesSymmetric`. */
  eigenvalues(grams: Float64Array, d: number): Promise<readonly Float64Array[]>;
  close(): Promise<void>;
}

/** Numbers of the matrices of one message: 8 MB, or one matrix. */
const MESSAGE = 1 << 20;

/** Operations below which threads take longer to start than they save: a tenth of a second's work. */
const SMALL = 1e9;

/**
 * Threads for the eigenvalues of matrices; the same kernel, so the same bits, as `eigenvaluesSymmetric` in this thread, which
 * works alone where there is one core, little to do, or no thread to be had.
 * @param threads    default a core each
 * @param operations about how much there is to do; default much
 */
export async function openEigenPool(
  { cores, startWorker }: Pick<Runtime, "cores" | "startWorker">,
  {
    threads = cores,
    operations = Number.POSITIVE_INFINITY,
  }: { threads?: number | undefined; operations?: number } = {},
): Promise<EigenPool> {
  const count = threads > 1 && operations > SMALL ? threads : 0;
  const started = await Promise.all(Array.from({ length: count }, () => startWorker(EIGENVALUES_WORKER)));
  const workers = started.filter((worker) => worker !== undefined);
  const bytes = kernel();
  return {
    eigenvalues: async (grams, d) => (workers.length > 0 ? spread(workers, bytes, grams, d) : here(grams, d)),
    close: async () => void (await Promise.all(workers.map((worker) => worker.close()))),
  };
}

const matrixAt = (grams: Float64Array, d: number, k: number) => grams.subarray(k * d * d, (k + 1) * d * d);

const here = (grams: Float64Array, d: number): readonly Float64Array[] =>
  Array.from({ length: grams.length / (d * d) }, (_, k) => eigenvaluesSymmetric(matrixAt(grams, d, k), d));

async function spread(
  workers: readonly HostWorker[],
  bytes: Uint8Array,
  grams: Float64Array,
  d: number,
): Promise<readonly Float64Array[]> {
  const count = grams.length / (d * d);
  const each = Math.max(1, Math.min(Math.ceil(count / workers.length), Math.floor(MESSAGE / (d * d))));
  const starts = Array.from({ length: Math.ceil(count / each) }, (_, k) => k * each);
  const parts = await Promise.all(
    starts.map(async (start, k) => {
      const part = grams.slice(start * d * d, (start + each) * d * d);
      const message = { bytes, grams: part, d };
      const { values, faults } = (await workers[k % workers.length]!.ask(message, [part.buffer])) as WorkerEigenvalues;
      return faults.map((fault, at) => {
        checkFault(fault, matrixAt(grams, d, start + at), d);
        return descending(values.slice(at * d, (at + 1) * d));
      });
    }),
  );
  return parts.flat();
}
