import type { AdapterOptions } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { didYouMean, GraftError } from "../base/index.ts";
import {
  findSites,
  type Method,
  type MethodArguments,
  type MethodName,
  methodOf,
  type NamedMethod,
  namedMethods,
} from "../methods/index.ts";
import { bestSites, type RankedSites } from "../scoring/index.ts";
import {
  isTaskSelector,
  parseSelector,
  type SelectorSpec,
  selectorNames,
  selectorNeedsScores,
  selectorUsages,
} from "./parse-selector.ts";
import { type SelectOptions, select } from "./select.ts";
import type { Selection } from "./selector.ts";

/** What `--method` says, read: a method by its name, or a placement. */
export type MethodSpec =
  | { readonly name: MethodName; readonly given: MethodArguments }
  | { readonly place: SelectorSpec };

/**
 * Read the `--method` language: `linear`, `full`, `bitfit`, `norms`, `lora:q,v@r8@a16` or `lora:top:4`, `dora:…`, `houlsby@r8`, `pfeiffer@r8`,
 * `adaptformer@r8`, `adapter+@r8`, `apla:64@7`, `page:0@r8`; everything else is a placement (`parseSelector`).
 * @throws GraftError UNKNOWN_METHOD, BAD_METHOD, or what `parseSelector` throws
 */
export function parseMethod(text: string): MethodSpec {
  const [head = "", ...suffixes] = text.trim().split("@");
  const colon = head.indexOf(":");
  const name = colon < 0 ? head : head.slice(0, colon);
  if (!isMethod(name)) {
    if (/^[a-z]/i.test(name) && !selectorNames().some((known) => known.split(":")[0] === name))
      throw unknown(text, name);
    return { place: parseSelector(text) };
  }
  const method: NamedMethod = namedMethods[name];
  const given: { -readonly [K in keyof MethodArguments]: MethodArguments[K] } = {};
  if (colon >= 0) Object.assign(given, argumentOf(text, head.slice(colon + 1), method));
  for (const suffix of suffixes) {
    const [, letter, digits] = /^([ra]?)(\d{1,9}(?:\.\d{1,9})?)$/.exec(suffix) ?? [];
    const key = letter === "r" ? "rank" : letter === "a" ? "alpha" : "seed";
    if (digits === undefined || (key !== "alpha" && digits.includes(".")))
      throw bad(text, `"@${suffix}" is neither a rank (@r8), an alpha (@a16) nor a seed (@7)`, method);
    if (!method.takes.includes(key)) throw bad(text, `"@${suffix}" is ${NOUNS[key]}, which it has not`, method);
    if (given[key] !== undefined) throw bad(text, `"@${suffix}" gives ${NOUNS[key]} twice`, method);
    given[key] = Number(digits);
  }
  return { name, given };
}

const NOUNS = { rank: "a rank", alpha: "an alpha", seed: "a seed" } as const;

function argumentOf(text: string, argument: string, method: NamedMethod): MethodArguments {
  const [, top] = /^top:(\d{1,9})$/.exec(argument.trim()) ?? [];
  if (top !== undefined && method.takes.includes("top")) return { top: Number(top) };
  if (method.takes.includes("targets")) {
    const targets = argument.split(",").map((target) => target.trim());
    if (targets.every((target) => target !== "")) return { targets };
    throw bad(text, "a target is empty", method);
  }
  if (!method.takes.includes("count")) throw bad(text, `nothing may follow its name but ":${argument}" does`, method);
  if (/^\d{1,9}$/.test(argument)) return { count: Number(argument) };
  throw bad(text, `"${argument}" is not a number`, method);
}

export interface SelectMethodOptions extends Omit<SelectOptions, "states"> {
  /** Settings of the adapters on a placement; methods by name have their own. */
  readonly adapter?: AdapterOptions;
  /** Scores of LoRA's sites, which `lora:top:4` chooses by. */
  readonly sites?: RankedSites | undefined;
}

/** A method to train, and where it is a placement how it came about. */
export interface SelectedMethod {
  readonly method: Method;
  readonly selection?: Selection;
}

/**
 * Turn a spec, or the `--method` text of one, into a method for a backbone. `defaultRank` holds for every rank left out.
 * @throws GraftError of `parseMethod`, `select` and `methodOf`; BUDGET_UNSUITED
 */
export function selectMethod(
  spec: MethodSpec | string,
  backbone: Backbone,
  { adapter, sites, ...options }: SelectMethodOptions = {},
): SelectedMethod {
  const parsed = typeof spec === "string" ? parseMethod(spec) : spec;
  if ("place" in parsed) {
    const place = typeof spec === "string" ? spec : parsed.place;
    const selection = select(place, { ...options, states: backbone.states.length });
    return { method: methodOf(backbone, selection.placement, adapter), selection };
  }
  if (options.budget) {
    throw new GraftError("BUDGET_UNSUITED", {
      thing: `method "${parsed.name}" under a budget`,
      place: "a budget chooses among the edges of a placement, and this method has none to choose",
      remedy: "Leave the budget out, or choose a placement such as gga:3",
    });
  }
  const given = { rank: options.defaultRank, ...parsed.given, ...targetsOf(parsed, sites) };
  const named: NamedMethod = namedMethods[parsed.name];
  return { method: methodOf(backbone, named.make(backbone, given)) };
}

/** What `lora:top:4` goes beside. */
function targetsOf(spec: MethodSpec, sites: RankedSites | undefined): Pick<MethodArguments, "targets"> {
  if (!needsSiteScores(spec)) return {};
  if (sites) return { targets: bestSites(sites, spec.given.top) };
  throw new GraftError("SCORES_NEEDED", {
    thing: `method "${spec.name}:top:${spec.given.top}"`,
    place: "it chooses by scores of the model's frozen products, and there are none",
    remedy:
      "Score them first (`graft score --sites lora`, or scoreSites) and pass the result, or name targets: lora:q,v",
  });
}

/** Whether choosing by this spec takes scores of LoRA's sites. */
export const needsSiteScores = (
  spec: MethodSpec,
): spec is { readonly name: MethodName; readonly given: MethodArguments & { readonly top: number } } =>
  "name" in spec && spec.given.top !== undefined;

/** Sites that are all alike, of which the first are taken: to check a spec, or what it costs, before there are scores. */
export const assumedSites = (backbone: Pick<Backbone, "products" | "name">): RankedSites => ({
  sites: findSites(backbone, ["all"]).map(({ name }) => ({ name, score: 0 })),
});

/** Whether choosing by this spec begins with scores of all edges. */
export const needsScores = (spec: MethodSpec): boolean => "place" in spec && selectorNeedsScores(spec.place);

/** Whether the task has a say in which edges are chosen, so that random ones have to stand beside them. */
export const isInformed = (spec: MethodSpec): boolean =>
  needsScores(spec) || ("place" in spec && isTaskSelector(spec.place));

/** The forms of `--method`, one a line, for help and errors: methods first, then placements. */
export const methodUsages = (): { usage: string; summary: string; paper?: string }[] => [
  ...Object.values<NamedMethod>(namedMethods).map(({ usage, summary, paper }) => ({ usage, summary, paper })),
  ...selectorUsages(),
];

const isMethod = (name: string): name is MethodName => Object.hasOwn(namedMethods, name);

function unknown(text: string, name: string): GraftError {
  const usages = methodUsages().map(({ usage }) => usage);
  const known = [...Object.keys(namedMethods), ...selectorNames()];
  return new GraftError("UNKNOWN_METHOD", {
    thing: `method "${text.trim()}"`,
    place: "neither a method nor a placement has that name",
    remedy: `${didYouMean(name, known) || didYouMean(text.trim(), known)}Write one of ${usages.join(", ")}`,
  });
}

const bad = (text: string, problem: string, { usage, summary }: NamedMethod): GraftError =>
  new GraftError("BAD_METHOD", {
    thing: `method "${text.trim()}"`,
    place: problem,
    remedy: `Write it as ${usage} (${summary})`,
  });
