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
  /** Matrices that keep every thread busy: one more than there are threads. */
  readonly depth: number;
  /**
   * @param gram  [d, d]; handed over: its array cannot be used until a like one comes back with the eigenvalues
   * @returns     d eigenvalues, descending. Throws as `eigenvaluesSymmetric`.
   */
  eigenvalues(gram: Float64Array, d: number): Promise<Omit<WorkerEigenvalues, "fault">>;
  close(): Promise<void>;
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
      eigenvalues: async (gram, d) => ({ values: eigenvaluesSymmetric(gram, d), gram }),
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
    async eigenvalues(gram, d) {
      const worker = idle.pop() ?? (await new Promise<HostWorker>((resolve) => waiting.push(resolve)));
      try {
        const answer = (await worker.ask({ bytes, gram, d }, [gram.buffer as ArrayBuffer])) as WorkerEigenvalues;
        checkFault(answer.fault, answer.gram, d);
        return { values: descending(answer.values), gram: answer.gram };
      } finally {
        free(worker);
      }
    },
    close: async () => void (await Promise.all(workers.map((worker) => worker.close()))),
  };
}
