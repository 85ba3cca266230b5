import { getSystemErrorMap } from "node:util";
import { GraftError } from "../base/index.ts";
import { jsonLine } from "./output.ts";

export interface ErrorReport {
  readonly exitCode: number;
  /** One line for stderr, without its end; the stack below it with GRAFT_DEBUG=1. */
  readonly text: string;
  /** One JSON document for stdout. */
  readonly json: string;
}

/** Exit codes: 2 when the input or the command line is at fault, 1 for everything else that went wrong. */
const exitCodes = { input: 2, other: 1 } as const;

/** Codes of errors that no change to the command line or the input files would cure. */
export const notTheInput: ReadonlySet<string> = new Set([
  "ABORTED",
  "FETCH_FAILED",
  "LOSS_NOT_FINITE",
  "MISSING_PACKAGE",
  "NO_CONVERGENCE",
  "NOT_FINITE",
  "RUNTIME_MISSING",
  "RUNTIME_RUN",
  "SYSTEM",
  "UNEXPECTED",
]);

/** Say an error in one line, with its exit code. Errors that are not ours are bugs, or the system's refusals. */
export function reportError(thrown: unknown, { debug }: { readonly debug: boolean }): ErrorReport {
  const error = asGraftError(thrown);
  const line = error.message.startsWith("graft ") ? error.message : `graft: ${error.message}`;
  const { code, message, thing, place, remedy } = error;
  return {
    exitCode: notTheInput.has(code) ? exitCodes.other : exitCodes.input,
    text: debug ? `${line}\n${stackOf(thrown)}` : line,
    json: jsonLine({ type: "error", code, message, thing, place, remedy }),
  };
}

/** Errors that are not ours as ones of ours, with the stack of the first cause. */
export function asGraftError(thrown: unknown): GraftError {
  if (thrown instanceof GraftError) return thrown;
  return systemError(thrown) ?? unexpectedError(thrown);
}

/** The operating system's no: full disk, missing right, and so on, in its own words. */
function systemError(thrown: unknown): GraftError | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { errno, syscall, path, code } = thrown as NodeJS.ErrnoException;
  if (errno === undefined || syscall === undefined) return undefined;
  const words = getSystemErrorMap().get(errno)?.[1] ?? code ?? "system error";
  return new GraftError("SYSTEM", {
    thing: path ?? syscall,
    place: `${words} (${code}, ${syscall})`,
    remedy: "Make room, grant the right or give another path",
    cause: thrown,
  });
}

function unexpectedError(thrown: unknown): GraftError {
  return new GraftError("UNEXPECTED", {
    thing: "unexpected error",
    place: thrown instanceof Error ? thrown.message || thrown.name : String(thrown),
    remedy: "This is a bug in graft: please report it with the command and what it prints with GRAFT_DEBUG=1",
    cause: thrown,
  });
}

function stackOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? "" : `\ncaused by ${stackOf(thrown.cause)}`;
  return `${thrown.stack ?? thrown.message}${cause}`;
}
