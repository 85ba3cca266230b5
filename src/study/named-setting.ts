import * as z from "zod";
import { didYouMean, GraftError, parseOptions } from "../base/index.ts";

/** How a sampler or pruner is written in study.yaml: its name, or `{ name: evolution, population: 20 }`. */
export const NamedSetting = z.union([z.string(), z.looseObject({ name: z.string() })]);
export type NamedSetting = z.output<typeof NamedSetting>;

/** What a table of samplers or pruners holds under each name. */
interface Kind {
  readonly options: z.ZodObject;
}

/**
 * Find what a setting names, and read its options.
 * @param what  what errors call it, e.g. `sampler`
 * @throws GraftError UNKNOWN_SAMPLER (or UNKNOWN_ and what else it is) naming the likely one; OPTIONS
 */
export function readNamed<K extends Kind>(
  table: Readonly<Record<string, K>>,
  setting: NamedSetting,
  what: string,
): { name: string; kind: K; options: Record<string, unknown> } {
  const { name, ...given } = typeof setting === "string" ? { name: setting } : setting;
  const kind = Object.hasOwn(table, name) ? table[name] : undefined;
  if (!kind) {
    throw new GraftError(`UNKNOWN_${what.toUpperCase()}`, {
      thing: `${what} "${name}"`,
      place: "the study's settings name it, and there is none of that name",
      remedy: `${didYouMean(name, Object.keys(table))}There are ${Object.keys(table).join(", ")}`,
    });
  }
  const [extra] = Object.keys(given);
  if (extra !== undefined && Object.keys(kind.options.shape).length === 0) {
    throw new GraftError("OPTIONS", {
      thing: `"${extra}"`,
      place: `${what} ${name} takes no options`,
      remedy: `Write ${what}: ${name}`,
    });
  }
  return { name, kind, options: parseOptions(kind.options, given, `options of ${what} ${name}`) };
}
