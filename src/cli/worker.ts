import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { receivedError, sentError } from "../base/index.ts";
import { commandList, type RunnableEntry } from "./command-list.ts";
import type { Output } from "./output.ts";
import { asGraftError } from "./report-error.ts";
import type { FromWorker, ToWorker, WorkerCall } from "./worker-host.ts";

/** What this thread was started for, if it is a command's. */
export const workerCall = (): WorkerCall | undefined =>
  typeof workerData === "object" && workerData !== null && "graftCommand" in workerData ? workerData : undefined;

/** Run the command this thread was started for; `runInWorker` is at the other end. */
export async function serveCommand({ graftCommand, argv, title, description, streams }: WorkerCall): Promise<void> {
  const port = parentPort!;
  // Commands that draw ask the streams how wide they are, and for colours.
  for (const name of ["stdout", "stderr"] as const) {
    const { isTTY, columns, colorDepth } = streams[name];
    Object.assign(process[name], { isTTY, columns, getColorDepth: () => colorDepth });
  }
  const tell = (message: FromWorker) => port.postMessage(message);
  const controller = new AbortController();
  port.on("message", ({ abort }: ToWorker) => controller.abort(receivedError(abort)));
  try {
    const entry = commandList.find(({ name }) => name === graftCommand) as RunnableEntry; // groups run in the main thread
    const command = await entry.load();
    const code = await command.run(argv, {
      title,
      description,
      signal: controller.signal,
      openOutput: (options) => outputTo(port, options),
      showHelp: (text) => tell({ type: "help", text }),
    });
    tell({ type: "end", code });
  } catch (thrown) {
    tell({ type: "failed", error: sentError(asGraftError(thrown)) });
  } finally {
    port.close();
  }
}

/** Results are made into text here, where the functions are that make it. */
function outputTo(port: MessagePort, { json, quiet }: { json: boolean; quiet: boolean }): Output {
  // Nothing is returned: a command's `return print(…)` is its exit code.
  const tell = (message: FromWorker): void => {
    port.postMessage(message);
  };
  tell({ type: "open", json, quiet });
  return {
    print: (value, human) => tell({ type: "print", value: json ? value : {}, text: json ? "" : human(value) }),
    line(name, value) {
      if (json) tell({ type: "line", name, value });
    },
    note: (text) => tell({ type: "note", text }),
    onProgress: (progress) => tell({ type: "progress", progress }),
    close: () => tell({ type: "close" }),
  };
}
