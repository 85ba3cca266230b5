import { type HostWorker, startedWorker, workerProgram } from "./host-worker.ts";

/** A thread of the page that runs a program given as text, by a blob's address; undefined where its policy forbids that. */
export function startWebWorker(source: string): Promise<HostWorker | undefined> {
  const program = workerProgram(source, {
    listen: "(hear) => { onmessage = ({ data }) => hear(data); }",
    post: "(message, transfer = []) => postMessage(message, transfer)",
  });
  return startedWorker((said, failed) => {
    const address = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
    try {
      const worker = new Worker(address);
      worker.onmessage = ({ data }) => said(data);
      worker.onerror = (event) => failed(new Error(event.message || "the thread did not start"));
      return {
        post: (message, transfer) => worker.postMessage(message, [...transfer]),
        end: async () => {
          worker.terminate();
          URL.revokeObjectURL(address);
        },
      };
    } catch (cause) {
      URL.revokeObjectURL(address);
      throw cause;
    }
  });
}
