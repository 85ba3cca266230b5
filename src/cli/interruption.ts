import { GraftError } from "../base/index.ts";

/** What stopped a command from outside, with the exit code a shell expects (128 + the signal's number). */
interface Stop {
  readonly exitCode: number;
  readonly silent: boolean;
}

export interface Interruption {
  readonly signal: AbortSignal;
  /** Set once something stopped the command. */
  readonly stop: () => Stop | undefined;
  dispose(): void;
}

/**
 * One abort signal for the whole process. The first Ctrl-C (or kill, or a closed stdout) aborts it, so that the command
 * ends at its next safe point; a second Ctrl-C ends the process at once.
 */
export function listenForInterruption(title: string): Interruption {
  const controller = new AbortController();
  let stop: Stop | undefined;
  const abort = (why: string, exitCode: number, silent = false) => {
    stop = { exitCode, silent };
    controller.abort(
      new GraftError("ABORTED", {
        thing: title,
        place: `stopped by ${why}`,
        remedy: "Files already written are whole",
      }),
    );
  };
  const onSignal = (why: string, exitCode: number) => () => {
    if (stop !== undefined) process.exit(exitCode);
    process.stderr.write(`${process.stderr.isTTY ? "\r\x1b[K" : ""}graft: stopping; once more ends it at once\n`);
    abort(why, exitCode);
  };
  const handlers = [
    ["SIGINT", onSignal("Ctrl-C", 130)],
    ["SIGTERM", onSignal("a kill signal", 143)],
  ] as const;
  for (const [name, handler] of handlers) process.on(name, handler);
  const onStdoutError = (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (stop === undefined) abort("its reader, who closed the pipe", 141, true);
  };
  const onStderrError = (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  };
  process.stdout.on("error", onStdoutError);
  process.stderr.on("error", onStderrError);
  return {
    signal: controller.signal,
    stop: () => stop,
    dispose() {
      for (const [name, handler] of handlers) process.off(name, handler);
    },
  };
}
