import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";
import { commandList, runMain } from "../../dist/cli.js";
import type { Finished } from "./graft.ts";

/** graft's own, none in a thread of its own, which would load all of the program again: most of what a mistake takes. */
const inOneThread = commandList.map((entry) => ({ ...entry, inWorker: false }));

/**
 * Run a command line of the built program in this process: the program, the runtime and sharp are loaded once for all
 * of them. What a process is for (signals, disks, exit, the threads of commands) is tested by `graft`.
 */
export const graftHere = (...args: string[]): Promise<Finished> => runHere(args, inOneThread);

/** The same with a thread for each command that has one, as in a process. */
export const graftInThread = (...args: string[]): Promise<Finished> => runHere(args, commandList);

async function runHere(args: readonly string[], commands: typeof commandList): Promise<Finished> {
  const text = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((part) => {
      text[name] += String(part);
      return true;
    }),
  );
  const listeners = process.stdout.listeners("error").length;
  try {
    return { code: await runMain(args, commands), ...text };
  } finally {
    for (const spy of spies) spy.mockRestore();
    // A process runs one command, so nothing takes these off again.
    for (const stream of [process.stdout, process.stderr])
      for (const listener of stream.listeners("error").slice(listeners)) stream.off("error", listener as () => void);
  }
}

/** Every path under a folder with what it holds, to see that nothing was written, changed or lost. */
export function contentsOf(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(paths.map((path) => [path, digestOf(join(folder, path))]));
}

function digestOf(path: string): string {
  // Node cannot open a name that is no UTF-8; it stays listed.
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile()) return "no file";
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
