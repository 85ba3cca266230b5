/** An owner that asks for some runs and waits: `tsx owner-process.ts URL QUEUE RUNS`, to be killed. */
import { queueWorkers } from "../../src/study/workers/queue-workers.node.ts";
import { request } from "./requests.ts";

const [url, queue, runs] = process.argv.slice(2);
const { signal } = new AbortController();
const workers = await queueWorkers({ url: url!, queue });
await Promise.all(
  Array.from({ length: Number(runs) }, (_, trial) =>
    workers.run(request(trial), { signal, onStart: () => {}, onReport: () => {}, onLog: () => {} }),
  ),
);
