export { createStudyFile, type OpenStudyOptions, openStudyFile } from "./storage/sqlite.node.ts";
export { poolWorkers } from "./workers/pool.node.ts";
export { servePool } from "./workers/pool-child.node.ts";
