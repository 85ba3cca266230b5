import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** What a side is told: which model it trains how. */
export interface SideSpec {
  readonly engine: "graft" | "eager" | "compile" | "adapters";
  readonly folder: string;
  readonly method: string;
  readonly batch: number;
  readonly threads: number;
  /** Tokens of a text; none for pictures. */
  readonly tokens?: number;
  /** Side of a picture, in pixels. */
  readonly side?: number;
  readonly vocabulary?: number;
  readonly precision?: "fp32" | "int8";
  readonly cached?: boolean;
}

export interface Answer {
  /** Of one step or product: the mean of those asked for. */
  readonly seconds: number;
  /** Processor time of the same, over all threads: steadier than `seconds` where others use the machine. */
  readonly cpuSeconds: number;
  readonly losses: readonly number[];
  /** The most memory the process has held so far. */
  readonly peakBytes: number;
}

/** A process that trains when asked. */
export interface Side {
  readonly trainable: number;
  readonly version?: string;
  /** Seconds from the start of the process until it was ready. */
  readonly openSeconds: number;
  ask(what: "steps" | "matmul", count: number): Promise<Answer>;
  close(): Promise<void>;
}

/** Python of the environment that bench/peers/step/README.md makes. */
export const PYTHON = process.env.PEERS_PYTHON ?? ".cache/bench/venv/bin/python";

/** Start a side. Rejects with what it printed last, if it ends before it is ready. */
export async function openSide(spec: SideSpec): Promise<Side> {
  const begun = performance.now();
  const text = JSON.stringify(spec);
  const child =
    spec.engine === "graft"
      ? spawn(process.execPath, ["--import", "tsx", "bench/step-side.ts", text], { stdio: "pipe" })
      : spawn(PYTHON, ["bench/peers/step/peer.py", text], { stdio: "pipe", env: peerEnvironment(spec.threads) });
  const nextLine = linesOf(child);
  const { trainable, version } = (await nextLine()) as { trainable: number; version?: string };
  return {
    trainable,
    version,
    openSeconds: (performance.now() - begun) / 1000,
    async ask(what, count) {
      child.stdin!.write(`${JSON.stringify({ do: what, count })}\n`);
      return (await nextLine()) as Answer;
    },
    async close() {
      child.stdin!.end();
      if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
    },
  };
}

/**
 * Threads are set, the compiler's results are kept for the next run, and freed memory stays with the process instead of
 * being mapped anew at every step, as PyTorch's tuning guide advises: that favours PyTorch (measured, docs/benchmarks.md).
 */
export const peerEnvironment = (threads: number): NodeJS.ProcessEnv => ({
  ...process.env,
  OMP_NUM_THREADS: String(threads),
  MKL_NUM_THREADS: String(threads),
  TORCHINDUCTOR_CACHE_DIR: `${process.cwd()}/.cache/bench/inductor`,
  MALLOC_MMAP_THRESHOLD_: "4294967296",
  MALLOC_TRIM_THRESHOLD_: "17179869184",
});

/** Answers in their order; rejects when the process ends. */
export function linesOf(child: ChildProcess): () => Promise<unknown> {
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  let errors = "";
  // Without its own listener a program that is missing would end this one.
  child.on("error", (error) => {
    errors += `${error.message}; bench/peers/step/README.md says how to make the environment\n`;
  });
  child.stderr!.on("data", (data: Buffer) => {
    errors = (errors + data.toString()).slice(-2000);
  });
  return async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(errors.trim() || `the process ended with code ${child.exitCode}`);
    return JSON.parse(value);
  };
}
