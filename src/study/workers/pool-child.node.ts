import { type SentError, sentError } from "../../base/index.ts";
import type { Trainer } from "../run-one.ts";
import type { RunReport, RunResult } from "../trial.ts";
import { asGraftError } from "./training-error.ts";
import type { RunRequest } from "./workers.ts";

export type ToPoolChild = { readonly type: "run"; readonly request: RunRequest } | { readonly type: "abort" };

export type FromPoolChild =
  | { readonly type: "report"; readonly report: RunReport }
  | { readonly type: "log"; readonly line: string }
  | { readonly type: "done"; readonly result: RunResult }
  | { readonly type: "failed"; readonly error: SentError };

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
      tell({ type: "failed", error: sentError(asGraftError(thrown)) });
    }
  });
}
