import { Worker } from "node:worker_threads";
import { type HostWorker, startedWorker, workerProgram } from "./host-worker.ts";

/** A thread of Node that runs a program given as text: no file of its own has to be found beside a bundle. */
export function startNodeWorker(source: string): Promise<HostWorker | undefined> {
  const program = workerProgram(source, {
    listen: '(hear) => require("node:worker_threads").parentPort.on("message", hear)',
    post: '(message, transfer) => require("node:worker_threads").parentPort.postMessage(message, transfer)',
  });
  return startedWorker((said, failed) => {
    // Loaders of this process are not needed there, and take a second to load.
    const worker = new Worker(program, { eval: true, execArgv: [] });
    worker.on("message", said).on("error", failed);
    worker.on("exit", (code) => failed(new Error(`the thread ended (exit code ${code})`)));
    return {
      post: (message, transfer) => worker.postMessage(message, [...transfer]),
      end: async () => void (await worker.terminate()),
    };
  });
}
