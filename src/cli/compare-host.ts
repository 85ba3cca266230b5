import { fork } from "node:child_process";
import { GraftError, type LongCall, receivedError } from "../base/index.ts";
import type { ChildCall, FromChild } from "./compare-child.ts";
import { program } from "./worker-host.ts";

/** Set for a process that `runInChild` starts. */
export const CHILD_VARIABLE = "GRAFT_COMPARE_CHILD";

type Answer = Extract<FromChild, { readonly type: "done" }>;

/**
 * Do one training in a process of its own: its peak memory is then its own, and an end for lack of memory is not ours.
 * @throws GraftError TRAINING_DIED where the process ends without an answer, and what it failed with
 */
export async function runInChild(
  call: ChildCall,
  { signal, onProgress, onNote }: LongCall & { readonly onNote?: (text: string) => void },
): Promise<Answer> {
  signal?.throwIfAborted();
  const child = fork(program, [], {
    env: { ...process.env, [CHILD_VARIABLE]: "1" },
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const stop = () => child.kill("SIGKILL"); // it has written nothing that could be half done
  signal?.addEventListener("abort", stop);
  try {
    return await new Promise((resolve, reject) => {
      child.on("message", (message: FromChild) => {
        if (message.type === "progress") onProgress?.(message.progress);
        else if (message.type === "note") onNote?.(message.text);
        else if (message.type === "failed") reject(receivedError(message.error));
        else resolve(message);
      });
      child.on("error", reject);
      child.on("exit", (code, by) => reject(signal?.aborted ? signal.reason : died(call, code, by)));
      child.send(call, (error) => error && reject(error));
    });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

function died({ work }: ChildCall, code: number | null, by: NodeJS.Signals | null): GraftError {
  return new GraftError("TRAINING_DIED", {
    thing: work.job ? `the training of ${work.job.method} with seed ${work.seed}` : `scoring with seed ${work.seed}`,
    place: by ? `its process was ended by ${by}` : `its process ended with code ${code} and no word`,
    remedy:
      "If memory ran out, free some and give the same command, or with another --out --micro-batch, --recompute on or a lower --batch-size",
  });
}
