import { localWorkers, openers } from "../src/cli/study-openers.ts";
import { openStudyTask } from "../src/study/index.ts";
import type { RunRequest, Workers } from "../src/study/workers/workers.ts";
import { hashTask } from "../src/tasks/index.ts";

/** Processes with one thread each, as `graft study run` starts them. */
export const openPool = (slots: number): Workers => localWorkers(slots, 1);

export interface Trainings {
  readonly task: string;
  readonly trainSize: number;
  readonly measureSize: number;
  readonly epochs: number;
}

/** One run of each method on the embedded model. */
export async function requestsOf(
  { task, trainSize, measureSize, epochs }: Trainings,
  methods: readonly string[],
): Promise<readonly RunRequest[]> {
  const backbone = await openers.backbone({ model: "builtin:vit" }, () => {});
  const opened = await openStudyTask(openers, backbone, { task, seed: 0, trainSize, measureSize });
  const dataHash = await hashTask(opened.task);
  return methods.map((method, trial) => ({
    study: "bench",
    createdAt: 0,
    task,
    trial,
    seed: 0,
    candidate: { method },
    model: { model: "builtin:vit" },
    trainSize,
    measureSize,
    training: { epochs, augment: false },
    measuresLatency: false,
    backboneHash: backbone.hash,
    dataHash,
  }));
}
