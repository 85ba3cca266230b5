import { GraftError } from "../../base/index.ts";

/** What a training threw, as an error that can be sent: what is not ours is a bug, with its stack. */
export function asGraftError(thrown: unknown): GraftError {
  if (thrown instanceof GraftError) return thrown;
  const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
  const remedy = "This looks like a bug: please report it";
  return Object.assign(new GraftError("UNEXPECTED", { thing: "a training", place: cause.message, remedy, cause }), {
    stack: cause.stack,
  });
}
