import type { Edge, Placement } from "../adapters/index.ts";
import type { Backbone } from "../backbone/index.ts";
import { GraftError, type LongCall, parseOptions } from "../base/index.ts";
import { methodOf } from "../methods/index.ts";
import type { Evaluation } from "../objective/index.ts";
import { searchRuntime } from "../runtime/index.ts";
import {
  type CoarseOptions,
  type EdgeScores,
  edgeCoupling,
  type ScoreOptions,
  scoreEdges,
  scoreSites,
} from "../scoring/index.ts";
import type { Task } from "../tasks/index.ts";
import {
  evaluateWithout,
  fitTaskHead,
  frozenShelf,
  type Head,
  type Trained,
  TrainOptions,
  type TrainSettings,
  train,
} from "../training/index.ts";
import { formatSelector, isTaskSelector, type NamedSpec } from "./parse-selector.ts";
import { checkAllExact, checkScores, chooserOf, coarseUnsuited, ranked, requestOf, selectionOf } from "./select.ts";
import {
  type MethodSpec,
  needsScores,
  needsSiteScores,
  parseMethod,
  type SelectedMethod,
  type SelectMethodOptions,
  selectMethod,
} from "./select-method.ts";
import type { SelectorWork, TaskSelector } from "./task-selector.ts";
import { type TaskSelectorName, taskSelectors } from "./task-selectors.ts";

/** How a choice is made that takes trainings. */
export interface ChooseSettings {
  /** Epochs of each short training on the way; default 1. */
  readonly epochs?: number | undefined;
  /** How many seeds `auto` trains each number of adapters with: the selection's own and those after it; default 3. */
  readonly seeds?: number | undefined;
}

export interface ChooseMethodCall extends LongCall, Omit<SelectMethodOptions, "scores"> {
  /** Of the plain backbone; asked for where they are needed. Default: `scoreEdges` with the seed. */
  readonly scores?: EdgeScores | (() => Promise<EdgeScores>) | undefined;
  /** Score edges by a coarse pass, where they have to be scored: only those that could be chosen exactly. */
  readonly coarse?: Pick<CoarseOptions, "columns"> | undefined;
  /** Settings of the training that follows; its seed is that of the selection where that has none. */
  readonly options?: TrainSettings | undefined;
  readonly selecting?: ChooseSettings | undefined;
  /** The head that trainings start from; default: fitted on the plain backbone's features. */
  readonly head?: Head | (() => Promise<Head>) | undefined;
  /** Called after each training on the way. */
  readonly onTrial?: ((trial: SelectionTrial) => void) | undefined;
}

/** A training that helped to choose. */
export interface SelectionTrial {
  readonly placement: Placement;
  readonly seed: number;
  readonly epochs: number;
  readonly validation: Evaluation;
  readonly seconds: number;
}

/** A method to train, and what choosing it took. */
export interface ChosenMethod extends SelectedMethod {
  /** Seconds of scoring (as the scores say, where they were there) and of trainings on the way; 0 where none was needed. */
  readonly seconds: number;
  readonly trials: readonly SelectionTrial[];
}

const [DEFAULT_SEEDS, TRY_EPOCHS] = [3, 1];

/**
 * Turn a spec, or the `--method` text of one, into a method for a backbone and a task: as `selectMethod`, and edges are scored
 * and adapters trained where a selector needs that. Test examples are not looked at.
 * @throws GraftError of `selectMethod`, `scoreEdges`, `train`; LOSS_NOT_FINITE names the selector whose training diverged
 */
export async function chooseMethod(
  spec: MethodSpec | string,
  backbone: Backbone,
  task: Task,
  call: ChooseMethodCall = {},
): Promise<ChosenMethod> {
  const parsed = typeof spec === "string" ? parseMethod(spec) : spec;
  const isByTraining = "place" in parsed && isTaskSelector(parsed.place);
  const coarse = call.coarse && coarseOf(parsed, backbone, call);
  if (needsSiteScores(parsed)) return chooseSites(parsed, backbone, task, call);
  if (isByTraining) return chooseByTraining(parsed.place as NamedSpec<TaskSelectorName>, backbone, task, call);
  const isScored = needsScores(parsed);
  const atHand = typeof call.scores === "function" ? undefined : call.scores;
  const scores = isScored ? await plainScores(backbone, task, call, coarse) : atHand;
  const selected = selectMethod(spec, backbone, { ...call, seed: seedOf(call), scores });
  return { ...selected, seconds: isScored ? secondsOf(scores!) : 0, trials: [] };
}

/** LoRA beside the sites of highest score. */
async function chooseSites(
  spec: MethodSpec,
  backbone: Backbone,
  task: Task,
  call: ChooseMethodCall,
): Promise<ChosenMethod> {
  const begun = performance.now();
  const sites = call.sites ?? (await scoreSites(backbone, task, scoringOf(call)));
  const selected = selectMethod(spec, backbone, { ...call, scores: undefined, sites });
  return { ...selected, seconds: (performance.now() - begun) / 1000, trials: [] };
}

async function chooseByTraining(
  spec: NamedSpec<TaskSelectorName>,
  backbone: Backbone,
  task: Task,
  call: ChooseMethodCall,
): Promise<ChosenMethod> {
  const { adapter, selecting = {}, signal, onProgress, onTrial } = call;
  const begun = performance.now();
  const selector: TaskSelector = taskSelectors[spec.selector];
  const counted = { ...spec, count: spec.count ?? selector.defaultCount };
  const text = formatSelector(spec);
  const seed = seedOf(call);
  const select = { ...call, scores: undefined, seed, states: backbone.states.length };
  const { rank, ...request } = requestOf(selector, counted, text, select);
  const asked = parseOptions(TrainOptions, call.options ?? {}, "training options");
  const { epochs: tryEpochs = TRY_EPOCHS } = selecting;
  const seeds = Array.from({ length: selecting.seeds ?? DEFAULT_SEEDS }, (_, k) => seed + k);

  // Trainings differ in their edges and seeds alone: sessions and frozen values go from one to the next.
  const search = searchRuntime(backbone.runtime);
  const shelf = frozenShelf({ keepsEpochs: true });
  const searched = { ...backbone, runtime: search };
  const trials: SelectionTrial[] = [];
  let given = 0;
  try {
    const head = await (typeof call.head === "function" ? call.head() : call.head);
    const start = head ?? (await fitTaskHead(searched, task, asked, { signal, onProgress }));
    const choice = await selector.choose({
      ...request,
      seeds,
      async score(after) {
        if (after) return scoreEdges(searched, task, { ...scoringOf(call), after });
        const from = performance.now();
        const scores = await plainScores(searched, task, call);
        checkScores(scores, select.states, text);
        checkAllExact(scores, text);
        given = secondsOf(scores) - (performance.now() - from) / 1000; // 0 where they were made now
        return scores;
      },
      couple: () => edgeCoupling(searched, task, scoringOf(call)),
      tryOut: (edges) => trial(edges, seed, tryEpochs),
      without: (trained, edges) =>
        evaluateWithout(trained, task.validation, edges, { threads: asked.threads, shelf, signal, onProgress }),
      train: (edges, trialSeed) => trial(edges, trialSeed, asked.epochs),
    });

    async function trial(edges: readonly Edge[], trialSeed: number, epochs: number): Promise<Trained> {
      const placement = ranked(edges, rank);
      const trained = await train(searched, task, placement, {
        ...{ adapter, head: start, shelf, signal, onProgress },
        options: { ...asked, epochs, seed: trialSeed },
      }).catch((error) => {
        throw whileChoosing(error, text, edges.length);
      });
      const { validation, seconds } = trained;
      trials.push({ placement, seed: trialSeed, epochs, validation, seconds });
      onTrial?.(trials.at(-1)!);
      return trained;
    }
    const { count } = request;
    const unfilled = count - choice.edges.length;
    const selection = selectionOf({ unfilled, ...choice }, text, select, { count, rank });
    const method = methodOf(backbone, selection.placement, adapter);
    return { method, selection, trials, seconds: (performance.now() - begun) / 1000 + given };
  } finally {
    shelf.close();
    await search.close();
  }
}

/** A training on the way that diverged is not the one that was asked for: say whose it is, and how to do without. */
function whileChoosing(error: unknown, selector: string, adapters: number): unknown {
  if (!(error instanceof GraftError && error.code === "LOSS_NOT_FINITE")) return error;
  const { code, thing, place, remedy } = error;
  const trained = adapters === 0 ? "the head alone" : adapters === 1 ? "an adapter" : `${adapters} adapters together`;
  return new GraftError(code, {
    thing,
    place: `${place}, where ${selector} trained ${trained} to choose edges`,
    remedy: `${remedy}, or choose them with a selector that trains nothing on the way, such as gga:3`,
    cause: error,
  });
}

export interface ChoosingWork extends Pick<SelectorWork, "scorings" | "trainings" | "most"> {
  /** Of all trainings together. */
  readonly epochs: number;
  /** Over the validation examples, besides those of trainings. */
  readonly passes: number;
}

/**
 * What choosing takes at most.
 * @param epochs  of the training that follows
 */
export function choosingWork(spec: MethodSpec, epochs: number, selecting: ChooseSettings = {}): ChoosingWork {
  if (!("place" in spec && isTaskSelector(spec.place)))
    return { scorings: needsScores(spec) || needsSiteScores(spec) ? 1 : 0, trainings: 0, epochs: 0, passes: 0 };
  const selector: TaskSelector = taskSelectors[spec.place.selector];
  const count = spec.place.count ?? selector.defaultCount!;
  const { scorings, tries, trainings, most, passes = 0 } = selector.work(count, selecting.seeds ?? DEFAULT_SEEDS);
  return {
    ...{ scorings, most, passes },
    trainings: tries + trainings,
    epochs: tries * (selecting.epochs ?? TRY_EPOCHS) + trainings * epochs,
  };
}

const seedOf = ({ seed, options }: ChooseMethodCall): number => seed ?? options?.seed ?? 0;

function scoringOf(call: ChooseMethodCall): ScoreOptions {
  const { threads, headL2 } = call.options ?? {};
  return { seed: seedOf(call), threads, headL2, signal: call.signal, onProgress: call.onProgress };
}

const plainScores = async (
  backbone: Backbone,
  task: Task,
  call: ChooseMethodCall,
  coarse?: CoarseOptions,
): Promise<EdgeScores> =>
  (await (typeof call.scores === "function" ? call.scores() : call.scores)) ??
  scoreEdges(backbone, task, { ...scoringOf(call), coarse });

/** A coarse pass for a placement. Throws SELECTOR_UNSUITED. */
function coarseOf(spec: MethodSpec, { states }: Backbone, call: ChooseMethodCall): CoarseOptions {
  const { coarse, gamma, budget, defaultRank } = call;
  if (!("place" in spec)) throw coarseUnsuited(spec.name);
  const options = { states: states.length, seed: seedOf(call), gamma, budget, defaultRank };
  return { ...coarse, choose: chooserOf(spec.place, options) };
}

/** Of scoring, as scores say that know it. */
const secondsOf = (scores: EdgeScores): number =>
  "seconds" in scores && typeof scores.seconds === "number" ? scores.seconds : 0;
