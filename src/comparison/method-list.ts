import { didYouMean, GraftError } from "../base/index.ts";
import { isInformed, type MethodSpec, parseMethod, standIn } from "../selection/index.ts";
import { NEIGHBOURS } from "./method-run.ts";

/**
 * The comparison that the demo shows and docs/experiments.md repeats over seeds. Few adapters get rank 32, one in every
 * sub-layer rank 8 (on the embedded model 21,000 against 46,000 parameters).
 */
export const STANDARD_ROWS = ["none", "gga:3@r32", "random:3@r32", "first:3@r32", "all:parallel@r8"] as const;

/** What readers call the rows of the `--place` language; other methods as they are written. */
export function methodTitle(row: string): string {
  const [, name = row, count, rank] = /^([a-z:]+?)(?::(\d+))?(?:@r(\d+))?$/.exec(row) ?? [];
  const width = rank === undefined ? "" : `, r ${rank}`;
  switch (name) {
    case "none":
      return "linear head";
    case "gga":
      return `${count} edges by GGA${width}`;
    case "top":
      return `${count} edges of highest score${width}`;
    case "diverse":
      return `${count} edges with unlike gradients${width}`;
    case "greedy":
      return `${count} edges, scored after each${width}`;
    case "race":
      return `${count} that did best in an epoch${width}`;
    case "prune":
      return `${count} left of many trained together${width}`;
    case "auto":
      return `as many edges as are enough${width}`;
    case "random":
      return `${count} random${width}`;
    case "first":
      return `first ${count} parallel${width}`;
    case "last":
      return `last ${count} parallel${width}`;
    case "all:parallel":
      return `all parallel${width}`;
    case "all:sequential":
      return `all sequential${width}`;
    default:
      return row;
  }
}

/** What `graft compare` compares where nothing is asked for. */
export const USUAL_METHODS = [
  "knn",
  "linear",
  "gga:3@r32",
  "random:3@r32",
  "first:3@r32",
  "all:parallel@r8",
  "lora:q,v@r8",
  "bitfit",
  "full",
] as const;

/**
 * Methods from one text, parted by spaces or semicolons: targets and edges hold commas.
 * @throws GraftError of `parseMethod`; METHODS for an empty list, or a method that stands in it twice
 */
export function parseMethods(text: string): readonly string[] {
  const methods = text.split(/[\s;]+/).filter((method) => method !== "");
  for (const [k, method] of methods.entries()) if (method !== NEIGHBOURS) parseListed(method, methods[k - 1]);
  const twice = methods.find((method, k) => methods.indexOf(method) < k);
  if (methods.length > 0 && twice === undefined) return methods;
  throw new GraftError("METHODS", {
    thing: `methods "${text}"`,
    place: twice === undefined ? "there is none" : `${twice} stands in it twice`,
    remedy: `Write them with spaces or semicolons between, as in "${USUAL_METHODS.slice(0, 3).join("; ")}"`,
  });
}

/**
 * The one method that others are compared with.
 * @throws GraftError of `parseMethods`; METHODS for several
 */
export function parseReference(text: string): string {
  const [reference, ...others] = parseMethods(text);
  if (others.length === 0) return reference!;
  throw new GraftError("METHODS", {
    thing: `reference "${text}"`,
    place: `it holds ${others.length + 1} methods`,
    remedy: "Give one",
  });
}

/** The method of a list, or what it is refused with and the likeliest mistake about commas. */
function parseListed(method: string, before: string | undefined): MethodSpec {
  try {
    return parseMethod(method);
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    const { code, thing, place } = error;
    const isUnknown = code === "UNKNOWN_METHOD";
    const near = isUnknown ? didYouMean(method, [NEIGHBOURS]) : "";
    const also = isUnknown ? `, or ${NEIGHBOURS}` : "";
    const remedy = `${commaHint(method, before, isUnknown)}${near}${error.remedy}${also}`;
    throw new GraftError(code, { thing, place, remedy, cause: error });
  }
}

function commaHint(method: string, before: string | undefined, isUnknown: boolean): string {
  if (method.endsWith(",")) return "No space may follow a comma. ";
  if (method.includes(",")) return "Methods are parted by spaces or semicolons, not by commas. ";
  if (!isUnknown || before === undefined || before === NEIGHBOURS) return "";
  const spec = parseMethod(before);
  if ("place" in spec || spec.given.targets === undefined) return "";
  return `Targets are parted by commas, without spaces: ${spec.name}:${[...spec.given.targets, method].join(",")}. `;
}

/**
 * Methods with those that have to stand beside them: the reference, and for each placement by scores as many random edges and
 * as many first parallel ones, of the same rank. Otherwise nobody could tell the score's worth from a few adapters' worth.
 */
export function withControls(
  methods: readonly string[],
  reference: string,
): { readonly methods: readonly string[]; readonly added: readonly string[] } {
  const own = new Set(methods.map(keyOf));
  const missing = (method: string) => controlsOf(method).filter((control) => !own.has(keyOf(control)));
  const wanted = methods.flatMap((method) => [method, ...missing(method)]);
  const all = [...new Set(wanted.includes(reference) ? wanted : [reference, ...wanted])];
  return { methods: all, added: all.filter((method) => !methods.includes(method)) };
}

function controlsOf(method: string): readonly string[] {
  if (method === NEIGHBOURS) return [];
  const spec = parseMethod(method);
  if (!isInformed(spec) || !("place" in spec) || !("selector" in spec.place)) return [];
  const { count, rank } = standIn(spec.place) as typeof spec.place;
  const suffix = rank === undefined ? "" : `@r${rank}`;
  return [`random:${count}${suffix}`, `first:${count}${suffix}`];
}

/** The random edges that a placement by a selector is held against: as many, of the same rank, drawn anew for each run. */
export function randomLike(method: string): string | undefined {
  const spec = method === NEIGHBOURS ? undefined : parseMethod(method);
  if (!spec || !("place" in spec) || !("selector" in spec.place)) return undefined;
  const { selector, count, rank } = spec.place;
  if (selector === "random" || count === undefined) return undefined;
  return `random:${count}${rank === undefined ? "" : `@r${rank}`}`;
}

/** What two ways to write one method have in common; of random edges any seed. */
function keyOf(method: string): string {
  if (method === NEIGHBOURS) return method;
  const spec = parseMethod(method);
  return JSON.stringify("place" in spec && "selector" in spec.place ? { ...spec.place, seed: undefined } : spec);
}
