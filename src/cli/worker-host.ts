import { Worker } from "node:worker_threads";
import { type GraftError, type Progress, receivedError, type SentError, sentError } from "../base/index.ts";
import type { CommandHost } from "./define-command.ts";
import type { Output } from "./output.ts";

/** What a command's thread is started with. */
export interface WorkerCall {
  readonly graftCommand: string;
  readonly argv: readonly string[];
  readonly title: string;
  readonly description: string;
  /** What stands behind the main thread's streams; a thread's own are pipes to them. */
  readonly streams: Readonly<Record<StreamName, StreamFacts>>;
}

export type StreamName = "stdout" | "stderr";

export interface StreamFacts {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  /** Bits of a colour. */
  readonly colorDepth: number;
}

/** What a command's thread tells the main one. */
export type FromWorker =
  | { readonly type: "open"; readonly json: boolean; readonly quiet: boolean }
  | { readonly type: "print"; readonly value: object; readonly text: string }
  | { readonly type: "line"; readonly name: string; readonly value: object }
  | { readonly type: "note"; readonly text: string }
  | { readonly type: "progress"; readonly progress: Progress }
  | { readonly type: "close" }
  | { readonly type: "help"; readonly text: string }
  | { readonly type: "end"; readonly code: number }
  | { readonly type: "failed"; readonly error: SentError };

/** What the main thread tells it. */
export interface ToWorker {
  readonly abort: SentError;
}

/** Loaders that run TypeScript do not reach into threads: from source, commands run in the main one. */
export const isBuilt = !import.meta.url.endsWith(".ts");

/** The program, in the folder of whatever file this is built into. */
export const program = new URL(isBuilt ? "./graft.js" : "./main.ts", import.meta.url);

/**
 * Run a command in a thread of its own: a runtime's session blocks the thread it runs in, and the main one is to show
 * progress and hear Ctrl-C meanwhile. The command is the same; what it prints and how it is stopped go by messages.
 */
export async function runInWorker(
  name: string,
  argv: readonly string[],
  { title, description, signal, openOutput, showHelp }: CommandHost,
): Promise<number> {
  const streams = { stdout: factsOf(process.stdout), stderr: factsOf(process.stderr) };
  const workerData: WorkerCall = { graftCommand: name, argv, title, description, streams };
  const worker = new Worker(program, { argv: process.argv.slice(2), workerData });
  const abort = () => worker.postMessage({ abort: sentError(signal.reason as GraftError) } satisfies ToWorker);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  let output: Output | undefined;
  let ended: number | GraftError | undefined;
  worker.on("message", (message: FromWorker) => {
    switch (message.type) {
      case "open":
        output = openOutput(message);
        return;
      case "print":
        return output?.print(message.value, () => message.text);
      case "line":
        return output?.line(message.name, message.value);
      case "note":
        return output?.note(message.text);
      case "progress":
        return output?.onProgress(message.progress);
      case "close":
        return output?.close();
      case "help":
        return showHelp(message.text);
      case "end":
        ended = message.code;
        return;
      case "failed":
        ended = receivedError(message.error);
    }
  });
  try {
    const exitCode = await new Promise<number>((resolve, reject) => worker.on("exit", resolve).on("error", reject));
    if (typeof ended === "number") return ended;
    throw ended ?? new Error(`the command's thread ended without a word (exit code ${exitCode})`);
  } finally {
    output?.close();
    signal.removeEventListener("abort", abort);
  }
}

const factsOf = (stream: NodeJS.WriteStream): StreamFacts => ({
  isTTY: stream.isTTY === true,
  columns: stream.columns,
  colorDepth: stream.isTTY ? stream.getColorDepth() : 1,
});
