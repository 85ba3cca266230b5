import type * as z from "zod";
import { didYouMean, GraftError } from "./errors.ts";

/**
 * Check what a caller gave against its schema, and fill in the defaults.
 * @param what  what errors call the options, e.g. `training options`
 * @throws GraftError OPTIONS naming the key, its value and what is expected; for an unknown key the likely one
 */
export function parseOptions<Schema extends z.ZodObject>(
  schema: Schema,
  options: object,
  what: string,
): z.output<Schema> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const known = Object.keys(schema.shape);
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!;
    const remedy = `${didYouMean(key, known)}There are ${known.join(", ")}`;
    throw new GraftError("OPTIONS", { thing: `"${key}"`, place: `${what} have no such key`, remedy });
  }
  const key = String(issue.path[0]);
  const value: unknown = (options as Record<string, unknown>)[key];
  throw new GraftError("OPTIONS", {
    thing: `"${key}": ${typeof value === "string" ? JSON.stringify(value) : String(value)}`,
    place: `${what}: ${issue.message}`,
    remedy: "Give a value of that kind, or leave it out for the default",
    cause: result.error,
  });
}
