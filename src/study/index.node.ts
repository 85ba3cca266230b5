export {
  checkNoFile,
  createStudyFile,
  isStudyOwned,
  type OpenStudyOptions,
  openStudyFile,
} from "./storage/sqlite.node.ts";
export { poolWorkers } from "./workers/pool.node.ts";
export { servePool } from "./workers/pool-child.node.ts";
export { parsePathPrefix } from "./workers/queue-job.node.ts";
export { type ServeQueueOptions, serveQueue } from "./workers/queue-serve.node.ts";
export { type QueueWorkersOptions, queueWorkers } from "./workers/queue-workers.node.ts";
