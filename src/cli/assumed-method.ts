import type { Method } from "../methods/index.ts";
import { type AdapterOptions, type Backbone, parseScores } from "../node.ts";
import { parseSiteScores } from "../scoring/index.ts";
import {
  assumedSites,
  choosingWork,
  isTaskSelector,
  needsScores,
  needsSiteScores,
  openBudget,
  parseMethod,
  selectMethod,
  standIn,
} from "../selection/index.ts";
import { readJson } from "./read-json.ts";
import type { TrainTaskArgs } from "./train-task.ts";

export type MethodArgs = Pick<
  TrainTaskArgs,
  "method" | "scores" | "maxParameters" | "maxLatency" | "selectEpochs" | "selectSeeds" | "rank" | "seed"
>;

/**
 * The method that a training will have, before anything is scored or trained. Where scores choose the edges: as many of the
 * dearest, from the last state to the first ones, which run all blocks twice; under a budget, some that keep to it.
 * @param most  adapters of a training on the way to the choice, which no budget binds, where that is meant
 */
export async function assumedMethod(
  args: MethodArgs,
  backbone: Backbone,
  adapter: AdapterOptions,
  most?: number,
): Promise<{ method: Method; isAssumed: boolean }> {
  const { method: text, scores: file, rank, seed } = args;
  const asked = parseMethod(text);
  const trains = "place" in asked && isTaskSelector(asked.place);
  const spec = trains ? { place: standIn(asked.place, most && Math.min(most, backbone.states.length ** 2)) } : asked;
  const budget = most === undefined ? await openBudget(backbone, args, adapter) : undefined;
  const options = { adapter, seed, budget, defaultRank: rank };
  if (needsSiteScores(spec)) {
    const sites = file === undefined ? undefined : parseSiteScores(readJson(file), file);
    const assumed = sites ?? assumedSites(backbone);
    return { ...selectMethod(spec, backbone, { ...options, sites: assumed }), isAssumed: sites === undefined };
  }
  const isScored = needsScores(spec);
  const scores = isScored && !trains && file !== undefined ? parseScores(readJson(file), file) : undefined;
  if (!isScored || scores) return { ...selectMethod(spec, backbone, { ...options, scores }), isAssumed: false };
  // With scores that are all alike it chooses too, and refuses a count that is too large.
  const states = backbone.states.length;
  const alike = Array.from({ length: states }, () => new Array<number>(states).fill(1));
  const { selection } = selectMethod(spec, backbone, { ...options, scores: { matrix: alike } });
  if (budget) return { method: { kind: "adapters", placement: selection!.placement, adapter }, isAssumed: true };
  const edges = alike.flatMap((_, k) => alike.map((_, to) => ({ from: states - 1 - k, to })));
  const placement = selection!.placement.map(({ rank }, k) => ({ ...edges[k]!, rank }));
  return { method: { kind: "adapters", placement, adapter }, isAssumed: true };
}

/** The method with the most adapters on the way to a choice, where any has more than are chosen. */
export async function widestOnTheWay(
  args: MethodArgs,
  backbone: Backbone,
  adapter: AdapterOptions,
): Promise<Method | undefined> {
  const { most } = choosingWork(parseMethod(args.method), 1);
  return most === undefined ? undefined : (await assumedMethod(args, backbone, adapter, most)).method;
}
