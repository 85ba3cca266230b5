import type { ChildProcess } from "node:child_process";
import { GraftError, receivedError } from "../../base/index.ts";
import type { RunKey, RunResult } from "../trial.ts";
import type { FromPoolChild, ToPoolChild } from "./pool-child.node.ts";
import type { RunCall, RunRequest, Workers } from "./workers.ts";

export interface PoolOptions {
  /** Processes at once. */
  readonly slots: number;
  /** Starts a process that calls `servePool`. */
  readonly fork: () => ChildProcess;
}

/**
 * Processes of this machine, started as they are needed. Each does one run at a time and keeps what runs have in common.
 * One that dies takes its run with it and no other.
 */
export function poolWorkers({ slots, fork }: PoolOptions): Workers {
  const idle: ChildProcess[] = [];
  const all = new Set<ChildProcess>();
  // Tasks with a seed that each has trained on.
  const prepared = new Map<ChildProcess, Set<string>>();
  const isPrepared = (run: RunKey) => (child: ChildProcess) => prepared.get(child)?.has(dataOf(run)) === true;
  const start = (): ChildProcess => {
    const child = fork();
    all.add(child);
    child.on("exit", () => {
      all.delete(child);
      prepared.delete(child);
      if (idle.includes(child)) idle.splice(idle.indexOf(child), 1);
    });
    return child;
  };
  return {
    slots,
    async run(request, call) {
      call.signal.throwIfAborted();
      const found = idle.findLastIndex(isPrepared(request));
      const child = idle.splice(found, 1)[0] ?? start();
      prepared.set(child, (prepared.get(child) ?? new Set()).add(dataOf(request)));
      call.onStart(`process ${child.pid}`);
      try {
        return await ask(child, request, call);
      } finally {
        if (child.connected) idle.push(child);
      }
    },
    choose(waiting) {
      const best = waiting.findIndex((run) => idle.some(isPrepared(run)));
      const forNobody = waiting.findIndex((run) => ![...all].some(isPrepared(run)));
      return Math.max(0, best >= 0 ? best : forNobody);
    },
    async close() {
      await Promise.all(
        [...all].map(async (child) => {
          const gone = new Promise((resolve) => child.once("exit", resolve));
          child.kill("SIGKILL"); // it has written nothing that could be half done
          await gone;
        }),
      );
    },
  };
}

const dataOf = ({ task, seed }: RunKey): string => `${seed} ${task}`;

function ask(child: ChildProcess, request: RunRequest, { signal, onReport, onLog }: RunCall): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: FromPoolChild) => {
      if (message.type === "report") onReport(message.report);
      else if (message.type === "log") onLog(message.line);
      else if (message.type === "done") end(() => resolve(message.result));
      else end(() => reject(signal.aborted ? signal.reason : receivedError(message.error)));
    };
    const onExit = (code: number | null, by: NodeJS.Signals | null) =>
      end(() => reject(signal.aborted ? signal.reason : died(request, code, by)));
    const onAbort = () => child.send({ type: "abort" } satisfies ToPoolChild, () => {}); // it may have died meanwhile
    const end = (settle: () => void) => {
      child.off("message", onMessage).off("exit", onExit);
      signal.removeEventListener("abort", onAbort);
      settle();
    };
    child.on("message", onMessage).on("exit", onExit);
    signal.addEventListener("abort", onAbort);
    child.send({ type: "run", request } satisfies ToPoolChild, (error) => error && onExit(null, null));
  });
}

const died = ({ task, candidate, seed }: RunRequest, code: number | null, by: NodeJS.Signals | null): GraftError =>
  new GraftError("WORKER_DIED", {
    thing: `the training of ${candidate.method} on ${task} with seed ${seed}`,
    place: by ? `its process was ended by ${by}` : `its process ended with code ${code} and no word`,
    remedy: "If memory ran out, use fewer workers or a smaller batch",
  });
