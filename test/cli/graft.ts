import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { sampleProgram } from "../build.ts";

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly finished: Promise<Finished>;
  kill(signal: NodeJS.Signals): void;
  /** Close our end of its stdout, as `head` does. */
  hangUp(): void;
  /** Resolves once stderr or stdout holds the text. */
  says(text: string): Promise<void>;
}

const program = fileURLToPath(new URL("../../dist/graft.js", import.meta.url));

/** Start a program in a process of its own, without a terminal. */
function start(args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, NO_COLOR: "1", GRAFT_DEBUG: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (part: string) => {
      text[name] += part;
      for (const listener of listeners) listener();
    });
  }
  const finished = new Promise<Finished>((resolve) => child.on("close", (code) => resolve({ code, ...text })));
  return {
    pid: child.pid!,
    finished,
    kill: (signal) => child.kill(signal),
    hangUp: () => child.stdout.destroy(),
    says: (words) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if ((text.stdout + text.stderr).includes(words)) resolve();
        };
        listeners.add(look);
        look();
        finished.then(() => reject(new Error(`it ended without saying "${words}": ${text.stdout}${text.stderr}`)));
      }),
  };
}

/** Run the built program. */
export const graft = (...args: string[]): Promise<Finished> => start([program, ...args]).finished;

/** Start the built program, to be stopped. */
export const startGraft = (...args: readonly string[]): Running => start([program, ...args]);

/** Start `sample-program.ts`: the same shell around commands made for tests. */
export const sample = (args: readonly string[], env?: Record<string, string>): Running =>
  start([sampleProgram, ...args], env);
