import { type Edge, edgeKind, parseEntries } from "../adapters/index.ts";
import { GraftError } from "../base/index.ts";
import type { SpaceSettings } from "./settings.ts";

/** The space of a study on a backbone: what `SpaceSettings` leave open, spelled out. */
export interface Space {
  readonly states: number;
  /** Edges that candidates may take, in row order. */
  readonly edges: readonly Edge[];
  /** Least and most adapters. */
  readonly count: readonly [number, number];
  readonly ranks: readonly number[];
  /** Least and most, searched by their logarithm; undefined leaves the default. */
  readonly learningRate?: readonly [number, number];
  readonly initScale?: readonly [number, number];
}

/**
 * Spell a study's space out for a backbone.
 * @throws GraftError BAD_SPACE where no candidate is left, or a range is none
 */
export function openSpace(settings: SpaceSettings, { states }: { readonly states: number }): Space {
  const edges = edgesOf(settings, states);
  if (edges.length === 0)
    throw bad("edges", "none of the backbone's edges is left", "Ask for fewer `kinds`, or a smaller `stride`");
  const count = typeof settings.count === "number" ? ([settings.count, settings.count] as const) : settings.count;
  if (count[0] > count[1]) throw bad("count", `[${count}] begins with the larger`, "Write [least, most]");
  if (count[1] > edges.length)
    throw bad(
      "count",
      `${count[1]} adapters are asked for, and there are ${edges.length} edges`,
      `Choose ${edges.length} or fewer`,
    );
  return {
    states,
    edges,
    count,
    ranks: typeof settings.rank === "number" ? [settings.rank] : [...new Set(settings.rank)],
    learningRate: rangeOf(settings.learningRate, "learningRate"),
    initScale: rangeOf(settings.initScale, "initScale"),
  };
}

function edgesOf({ edges, stride, kinds }: SpaceSettings, states: number): Edge[] {
  if (edges !== "all") {
    const listed = edges.flatMap((text) => parseEntries(text)).map(({ from, to }) => ({ from, to }));
    const beyond = listed.find(({ from, to }) => Math.max(from, to) >= states);
    if (beyond)
      throw bad(
        "edges",
        `${beyond.from}-${beyond.to} is not in a backbone with ${states} states`,
        `States are 0 to ${states - 1}`,
      );
    const once = listed.filter((edge, at) => listed.findIndex((other) => byRow(edge, other) === 0) === at);
    return once.filter((edge) => kinds?.includes(edgeKind(edge)) ?? true).sort(byRow);
  }
  const ends = Array.from({ length: Math.ceil(states / stride) }, (_, k) => k * stride);
  return ends
    .flatMap((from) => ends.map((to) => ({ from, to })))
    .filter((edge) => kinds?.includes(edgeKind(edge)) ?? true);
}

const byRow = (a: Edge, b: Edge): number => a.from - b.from || a.to - b.to;

function rangeOf(
  value: number | readonly [number, number] | undefined,
  key: string,
): readonly [number, number] | undefined {
  if (value === undefined) return undefined;
  const range = typeof value === "number" ? ([value, value] as const) : value;
  if (!(range[0] > 0 && range[0] <= range[1]))
    throw bad(key, `[${range}] is no range of numbers above 0`, "Write [least, most], both above 0");
  return range;
}

const bad = (key: string, place: string, remedy: string): GraftError =>
  new GraftError("BAD_SPACE", { thing: `space.${key} of the study`, place, remedy });
