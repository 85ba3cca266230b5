import type { Backbone } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";
import { HEAD_ALONE } from "../methods/index.ts";
import {
  assumedSites,
  isInformed,
  needsScores,
  needsSiteScores,
  parseMethod,
  selectMethod,
  standIn,
} from "../selection/index.ts";
import type { Task } from "../tasks/index.ts";
import { checkNeighbours } from "./measure-base.ts";
import { withControls } from "./method-list.ts";
import { isDrawn, NEIGHBOURS, type RunSettings } from "./method-run.ts";

export interface CheckMethodsOptions extends Pick<RunSettings, "adapter" | "rank"> {
  readonly reference: string;
  /** Told of a method that is left out; without it such a method is an error. The reference is never left out. */
  readonly onUnsuited?: (text: string) => void;
}

/**
 * Look at every method, what stands beside it and the reference before the first one takes minutes.
 * @returns  the methods that suit the model and the task
 * @throws   GraftError METHODS for a method that is written twice in two ways; METHOD_UNSUITED, and what `parseMethod` and
 *           `selectMethod` refuse
 */
export function checkMethods(
  asked: readonly string[],
  backbone: Backbone,
  task: Task,
  { reference, adapter, rank, onUnsuited }: CheckMethodsOptions,
): readonly string[] {
  const check = (method: string) => {
    if (method === NEIGHBOURS) checkNeighbours(task);
    else made(method, backbone, { adapter, rank });
  };
  check(reference);
  const suited = asked.filter((method) => {
    try {
      check(method);
      for (const control of withControls([method], method).added) beside(method, () => check(control));
      return true;
    } catch (error) {
      if (onUnsuited === undefined || !(error instanceof GraftError)) throw error;
      onUnsuited(`${method} is left out: ${error.message}`);
      return false;
    }
  });
  const known = new Map<string, string>();
  for (const method of new Set([reference, ...suited])) {
    const identity = identityOf(method, backbone, { adapter, rank });
    const twin = known.get(identity);
    if (twin !== undefined) throw twins(twin, method);
    known.set(identity, method);
  }
  return suited;
}

/** A method as it would be trained. Any scores do, for whether it can be chosen at all. */
function made(method: string, backbone: Backbone, { adapter, rank }: Pick<RunSettings, "adapter" | "rank">) {
  const { length } = backbone.states;
  const matrix = Array.from({ length }, () => new Array<number>(length).fill(0));
  const asked = parseMethod(method);
  const spec = "place" in asked ? { place: standIn(asked.place) } : asked;
  return selectMethod(spec, backbone, {
    scores: needsScores(spec) ? { matrix } : undefined,
    sites: assumedSites(backbone),
    adapter,
    defaultRank: rank,
  }).method;
}

/** The same for two ways to write one method. What differs with the scores or the seed goes by its spec. */
function identityOf(text: string, backbone: Backbone, { adapter, rank }: Pick<RunSettings, "adapter" | "rank">) {
  if (text === NEIGHBOURS) return text;
  const spec = parseMethod(text);
  if (needsSiteScores(spec)) return JSON.stringify({ rank, ...spec });
  if ("place" in spec && (isInformed(spec) || isDrawn(text))) return JSON.stringify({ rank, ...spec.place });
  const method = made(text, backbone, { adapter, rank });
  const isHeadAlone = method.kind === "adapters" && method.placement.length === 0;
  return JSON.stringify(isHeadAlone ? HEAD_ALONE : method);
}

const twins = (one: string, other: string): GraftError =>
  new GraftError("METHODS", {
    thing: `methods ${one} and ${other}`,
    place: "two ways to write one method, which would be trained twice",
    remedy: "Write it once, in the list and as the reference alike",
  });

/** A control is nobody's own method: an error says beside which it stands. */
function beside(method: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    const { code, thing, place, remedy } = error;
    throw new GraftError(code, { thing: `${thing}, which is added beside ${method}`, place, remedy, cause: error });
  }
}
