import { GraftError } from "../../base/index.ts";
import type { Trainer } from "../run-one.ts";
import type { RunReport, RunResult } from "../trial.ts";
import type { RunRequest } from "./workers.ts";

export type ToPoolChild = { readonly type: "run"; readonly request: RunRequest } | { readonly type: "abort" };

export type FromPoolChild =
  | { readonly type: "report"; readonly report: RunReport }
  | { readonly type: "log"; readonly line: string }
  | { readonly type: "done"; readonly result: RunResult }
  | { readonly type: "failed"; readonly error: SentError };

/** An error between processes. */
export interface SentError {
  readonly code: string;
  readonly thing: string;
  readonly place: string;
  readonly remedy: string;
  readonly stack?: string;
}

/** Do runs for the parent until it is gone. */
export function servePool(trainer: Trainer): void {
  const tell = (message: FromPoolChild) => void process.send?.(message);
  let current = new AbortController();
  process.on("SIGINT", () => {}); // the terminal sends it to the parent too, which ends this process
  process.on("disconnect", () => process.exit(0));
  process.on("message", async (message: ToPoolChild) => {
    if (message.type === "abort") return current.abort();
    current = new AbortController();
    try {
      const result = await trainer.run(message.request, {
        signal: current.signal,
        onReport: (report) => tell({ type: "report", report }),
        onLog: (line) => tell({ type: "log", line }),
      });
      tell({ type: "done", result });
    } catch (thrown) {
      tell({ type: "failed", error: sent(thrown) });
    }
  });
}

function sent(thrown: unknown): SentError {
  if (thrown instanceof GraftError) {
    const { code, thing, place, remedy, stack } = thrown;
    return { code, thing, place, remedy, stack };
  }
  const { message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown));
  return {
    code: "UNEXPECTED",
    thing: "a training",
    place: message,
    remedy: "This looks like a bug: please report it",
    stack,
  };
}
