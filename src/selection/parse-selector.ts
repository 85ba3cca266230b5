import { type PlacementEntry, parseEntries } from "../adapters/index.ts";
import { didYouMean, GraftError } from "../base/index.ts";
import type { Selector } from "./selector.ts";
import { type SelectorName, selectors } from "./selectors.ts";
import type { TaskSelector } from "./task-selector.ts";
import { type TaskSelectorName, taskSelectors } from "./task-selectors.ts";

/** What `--place` says, read: a selector with its count, seed and rank, or edges. */
export type SelectorSpec =
  | NamedSpec<SelectorName>
  | NamedSpec<TaskSelectorName>
  | { readonly edges: readonly PlacementEntry[] };

export interface NamedSpec<Name> {
  readonly selector: Name;
  readonly count?: number;
  readonly seed?: number;
  readonly rank?: number;
}

const known: Readonly<Record<SelectorName | TaskSelectorName, Selector | TaskSelector>> = {
  ...selectors,
  ...taskSelectors,
};

/**
 * Read the `--place` language: `gga:3`, `top:3`, `random:3@7` (seed 7), `first:3`, `last:3`, `all:parallel`, `all:sequential`,
 * `none`, `diverse:3`, `greedy:3`, `race:3`, `prune:3`, `auto`, each perhaps with `@r16` for its adapters' rank; or edges, `4-5,20-3@r16`.
 * @throws GraftError UNKNOWN_SELECTOR, BAD_SELECTOR, or what `parseEntries` throws
 */
export function parseSelector(text: string): SelectorSpec {
  const [head = "", ...suffixes] = text.trim().split("@");
  if (!/^[a-z]/i.test(head)) return { edges: parseEntries(text) };
  const { name, argument } = splitHead(text, head);
  const selector = known[name];
  const spec: { selector: typeof name; count?: number; seed?: number; rank?: number } = { selector: name };
  const isOpen = argument === undefined && "defaultCount" in selector && selector.defaultCount !== undefined;
  if (selector.counted && !isOpen) {
    if (argument === undefined || !/^\d{1,9}$/.test(argument))
      throw badSelector(text, `"${argument ?? ""}" is not a count`, selector);
    spec.count = Number(argument);
  }
  for (const suffix of suffixes) {
    const [, letter, digits] = /^(r?)(\d{1,9})$/.exec(suffix) ?? [];
    const key = letter === "r" ? "rank" : "seed";
    if (digits === undefined)
      throw badSelector(text, `"@${suffix}" is neither a seed (@7) nor a rank (@r16)`, selector);
    if (key === "seed" && !selector.seeded)
      throw badSelector(text, `"@${suffix}" is a seed, but nothing is drawn`, selector);
    if (spec[key] !== undefined) throw badSelector(text, `"@${suffix}" gives a second ${key}`, selector);
    spec[key] = Number(digits);
  }
  return spec as SelectorSpec;
}

/** Write a spec so that `parseSelector` reads it back. */
export function formatSelector(spec: SelectorSpec): string {
  if ("edges" in spec) {
    const write = ({ from, to, rank }: PlacementEntry) => `${from}-${to}${rank === undefined ? "" : `@r${rank}`}`;
    return spec.edges.map(write).join(",") || "none";
  }
  const { selector, count, seed, rank } = spec;
  return [
    count === undefined ? selector : `${selector}:${count}`,
    seed === undefined ? "" : `@${seed}`,
    rank === undefined ? "" : `@r${rank}`,
  ].join("");
}

/** The forms of `--place`, one a line, for help and errors. */
export const selectorUsages = (): { usage: string; summary: string }[] => [
  ...Object.values(known).map(({ usage, summary }) => ({ usage, summary })),
  { usage: "4-5,20-3@r16", summary: "edges FROM-TO, with a rank if wanted" },
];

function splitHead(text: string, head: string): { name: keyof typeof known; argument: string | undefined } {
  if (isName(head)) return { name: head, argument: undefined };
  const colon = head.indexOf(":");
  const name = colon < 0 ? head : head.slice(0, colon);
  if (isName(name)) {
    if (known[name].counted) return { name, argument: colon < 0 ? undefined : head.slice(colon + 1) };
    throw badSelector(text, `"${name}" takes no argument`, known[name]);
  }
  const usages = selectorUsages().map(({ usage }) => usage);
  throw new GraftError("UNKNOWN_SELECTOR", {
    thing: `placement "${text.trim()}"`,
    place: "no selector has that name",
    remedy: `${didYouMean(head, selectorNames()) || didYouMean(name, selectorNames())}Write one of ${usages.join(", ")}`,
  });
}

/** Names of every selector, for help and errors. */
export const selectorNames = (): string[] => Object.keys(known);

const isName = (text: string): text is keyof typeof known => Object.hasOwn(known, text);

const badSelector = (text: string, problem: string, { usage, summary }: Selector | TaskSelector): GraftError =>
  new GraftError("BAD_SELECTOR", {
    thing: `placement "${text}"`,
    place: problem,
    remedy: `Write it as ${usage} (${summary})`,
  });

/** Whether choosing by this spec begins with scores of all edges. */
export const selectorNeedsScores = (spec: SelectorSpec): boolean =>
  "selector" in spec && known[spec.selector].needsScores;

/** Whether choosing by this spec works on the model and the task (`chooseMethod`). */
export const isTaskSelector = (spec: SelectorSpec): spec is NamedSpec<TaskSelectorName> =>
  "selector" in spec && Object.hasOwn(taskSelectors, spec.selector);

/**
 * A spec that chooses by scores alone what may stand for this one in checks and estimates: as many edges of that rank.
 * @param most  how many, where those on the way to the choice are meant
 */
export function standIn(spec: SelectorSpec, most?: number): SelectorSpec {
  if (!isTaskSelector(spec)) return spec;
  const { selector, count = taskSelectors[selector].defaultCount!, seed, rank } = spec;
  return { selector: "gga", count: most ?? count, seed, rank };
}
