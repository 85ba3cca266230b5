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
  /** Messages that keep every thread busy: one more than there are threads. */
  readonly depth: number;
  /**
   * @param grams  [count, d, d]; handed over: the array cannot be used until a like one comes back with the eigenvalues
   * @returns      of each, d eigenvalues, descending. Throws as `eigenvaluesSymmetric`.
   */
  eigenvalues(grams: Float64Array, d: number): Promise<Eigenvalues>;
  close(): Promise<void>;
}

interface Eigenvalues {
  readonly values: readonly Float64Array[];
  /** The matrices, in the memory they were in. */
  readonly grams: Float64Array;
}

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
  if (workers.length === 0)
    return {
      depth: 1,
      eigenvalues: async (grams, d) => ({
        values: eachOf(grams, d).map((gram) => eigenvaluesSymmetric(gram, d)),
        grams,
      }),
      close: async () => {},
    };
  const bytes = kernel();
  const idle = [...workers];
  const waiting: ((worker: HostWorker) => void)[] = [];
  const free = (worker: HostWorker) => {
    const next = waiting.shift();
    if (next) next(worker);
    else idle.push(worker);
  };
  return {
    depth: workers.length + 1,
    async eigenvalues(given, d) {
      const worker = idle.pop() ?? (await new Promise<HostWorker>((resolve) => waiting.push(resolve)));
      try {
        const asked = worker.ask({ bytes, grams: given, d }, [given.buffer as ArrayBuffer]);
        const { values, faults, grams } = (await asked) as WorkerEigenvalues;
        for (const [k, gram] of eachOf(grams, d).entries()) checkFault(faults[k]!, gram, d);
        return { values: faults.map((_, k) => descending(values.slice(k * d, (k + 1) * d))), grams };
      } finally {
        free(worker);
      }
    },
    close: async () => void (await Promise.all(workers.map((worker) => worker.close()))),
  };
}

const eachOf = (grams: Float64Array, d: number): readonly Float64Array[] =>
  Array.from({ length: grams.length / (d * d) }, (_, k) => grams.subarray(k * d * d, (k + 1) * d * d));
