import { availableParallelism } from "node:os";
import * as z from "zod";
import { parsePathPrefix, serveQueue } from "../../study/index.node.ts";
import { commonArgs } from "../arguments.ts";
import { defineCommand } from "../define-command.ts";
import { localWorkers } from "../study-openers.ts";

export const worker = defineCommand({
  args: {
    queue: z
      .string()
      .meta({ description: "the Redis server that `graft study run --queue` names", value: "redis://…" }),
    concurrency: z
      .int()
      .min(1)
      .max(512)
      .optional()
      .meta({ description: "trainings at once, a process and a thread each (default: one for each core)", value: "n" }),
    map: z
      .array(z.string())
      .default([])
      .meta({ description: "where a folder of the study's machine lies here", value: "theirs=ours" }),
    lease: z
      .number()
      .min(1)
      .max(86_400)
      .default(30)
      .meta({ description: "seconds of silence after which this worker's runs are given to others", value: "s" }),
    ...commonArgs,
  },
  positionals: ["queue"],
  examples: [
    "graft worker redis://10.0.0.5:6379",
    "graft worker redis://10.0.0.5:6379 --concurrency 4 --map /home/ada/data=/mnt/data",
  ],
  async run({ args, signal, note, line, print }) {
    const maps = args.map.map(parsePathPrefix);
    const workers = localWorkers(args.concurrency ?? availableParallelism(), 1);
    let [done, failed] = [0, 0];
    try {
      await serveQueue({
        url: args.queue,
        workers,
        signal,
        note,
        maps,
        leaseSeconds: args.lease,
        onDone({ study, task, trial, seed, candidate }, outcome) {
          const isError = outcome instanceof Error;
          if (isError) failed++;
          else done++;
          line("run", { study, task, trial, seed, ...(isError ? { error: outcome.message } : { result: outcome }) });
          const what = `${study}, ${task} ${trial}, seed ${seed}: ${candidate.method}`;
          note(`${what}: ${isError ? outcome.message : outcome.measured.value.toPrecision(4)}`);
        },
      });
    } finally {
      await workers.close();
    }
    print({ done, failed }, () => `trainings done: ${done}; without a result: ${failed}`);
  },
});
