import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { openBackbone, openTask } from "../node.ts";
import { poolWorkers, servePool } from "../study/index.node.ts";
import { type Openers, openTrainer, type Workers } from "../study/index.ts";
import { peakMemory } from "./peak-memory.ts";
import { program } from "./worker-host.ts";

/** How studies open models and data here. */
export const openers: Openers = {
  async backbone({ model, dtype }, onNote) {
    const backbone = await openBackbone(model, { dtype, onNote });
    for (const text of backbone.notes) onNote(text);
    return backbone;
  },
  task: (name, { backbone, ...options }) => openTask(name, { backbone, ...options }),
};

/** Set for a process that does runs of a study: the threads of each. */
export const STUDY_VARIABLE = "GRAFT_STUDY_CHILD";

/** Processes of this machine; together they use every core once, unless `threads` of each are named. */
export function localWorkers(
  slots = availableParallelism(),
  threads = Math.max(1, Math.floor(availableParallelism() / slots)),
): Workers {
  return poolWorkers({
    slots,
    fork: () =>
      fork(program, [], {
        env: { ...process.env, [STUDY_VARIABLE]: String(threads) },
        serialization: "advanced",
        stdio: ["ignore", "ignore", "inherit", "ipc"],
      }),
  });
}

/** Do runs for the process that started this one. */
export const serveStudy = (): void =>
  servePool(openTrainer(openers, { threads: Number(process.env[STUDY_VARIABLE]), memory: peakMemory }));
