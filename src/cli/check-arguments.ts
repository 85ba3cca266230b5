import type * as z from "zod";
import { didYouMean, GraftError } from "../base/index.ts";
import type { ConfigFile } from "./config-file.ts";
import type { Flag } from "./flags.ts";

/**
 * Lay what was typed over the config file, and check the whole against the schema, which fills in the defaults.
 * @throws GraftError USAGE for what was typed (or is missing), CONFIG for what stands in the file: the first fault
 */
export function checkArguments<Schema extends z.ZodObject>(
  title: string,
  schema: Schema,
  flags: readonly Flag[],
  typed: Readonly<Record<string, unknown>>,
  config: ConfigFile | undefined,
): z.output<Schema> {
  const values = { ...config?.values, ...typed };
  const checked = schema.safeParse(values);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0]!;
  const flag = flags.find(({ key }) => key === issue.path[0]);
  if (flag === undefined) throw checked.error;
  const value = values[flag.key];
  const help = `\`${title} --help\` lists the arguments`;
  if (value === undefined) {
    throw new GraftError("USAGE", { thing: flag.name, place: `${title} needs it and it is missing`, remedy: help });
  }
  const options = issue.code === "invalid_value" ? issue.values.map(String) : [];
  const details = {
    place: `${expectation(issue)}, and this is ${shown(issue.path.length > 1 ? at(value, issue.path) : value)}`,
    remedy: didYouMean(String(value), options) + help,
  };
  if (flag.key in typed) throw new GraftError("USAGE", { thing: flag.name, ...details });
  throw new GraftError("CONFIG", { thing: `"${flag.key}" in ${config!.where(flag.key)}`, ...details });
}

const typeNames: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  string: "text",
  array: "a list",
};

/** What the schema wants, in words; zod's own wording where it is plain enough. */
function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${typeNames[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `expected ${issue.values.length > 1 ? "one of " : ""}${issue.values.join(", ")}`;
    case "too_small":
      if (issue.origin === "string" && issue.minimum === 1) return "must not be empty";
      return `must be ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}${countOf(issue.origin)}`;
    case "too_big":
      return `must be ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}${countOf(issue.origin)}`;
    case "invalid_union":
      return issue.errors
        .flatMap(([first]) => (first === undefined ? [] : [expectation(first)]))
        .join(" or ")
        .replaceAll(" or expected", " or");
    default:
      return issue.message.replace(/^Invalid (input|option): /, "");
  }
}

/** JSON has no word for an infinity. */
const shown = (value: unknown) => (typeof value === "number" ? String(value) : JSON.stringify(value));

function countOf(origin: string): string {
  if (origin === "string") return " characters long";
  return origin === "array" ? " values" : "";
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.slice(1).reduce((inner, key) => (inner as Record<PropertyKey, unknown>)?.[key], value);
}
