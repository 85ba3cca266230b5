import {
  type AdapterOptions,
  GraftError,
  metricName,
  type ParsedScores,
  parseScores,
  scoreEdges,
  type TrainOptions,
} from "../node.ts";
import {
  chooseMethod,
  chooserOf,
  choosingWork,
  isTaskSelector,
  openBudget,
  parseSelector,
  type Selection,
  type SelectionTrial,
  select,
} from "../selection/index.ts";
import { coarsePass } from "./arguments.ts";
import type { CommandContext } from "./define-command.ts";
import { describeCurve, onTrial } from "./describe-choice.ts";
import { type DataArgs, openData, openModel } from "./open.ts";
import { readJson } from "./read-json.ts";

/** What of `graft select`'s arguments the choice depends on. */
export interface ChooseEdgesArgs extends DataArgs {
  readonly place: string;
  readonly scores?: string;
  readonly gamma: number;
  readonly coarse: boolean;
  readonly coarseColumns?: number;
  readonly maxParameters?: number;
  readonly maxLatency?: number;
  readonly selectEpochs?: number;
  readonly selectSeeds?: number;
  readonly model: string;
  readonly rank: number;
  readonly seed: number;
}

export interface ChosenEdges {
  readonly selection: Selection;
  /** How many states the backbone has. */
  readonly states: number;
  /** Of the plain backbone; undefined where the placement needed none. */
  readonly scores: ParsedScores | undefined;
  /** Where a model and data were needed. */
  readonly trials?: readonly SelectionTrial[];
  readonly seconds?: number;
}

/** Choose edges: from scores alone, or on a model and data where scores have to be made or adapters trained. */
export async function chooseEdges(
  context: Pick<CommandContext<unknown>, "signal" | "onProgress" | "line" | "note">,
  call: { readonly args: ChooseEdgesArgs; readonly adapter: AdapterOptions; readonly options: TrainOptions },
): Promise<ChosenEdges> {
  const { args, adapter, options } = call;
  const { place, gamma, seed, rank, maxParameters, maxLatency } = args;
  const spec = { place: parseSelector(place) };
  const selecting = { epochs: args.selectEpochs, seeds: args.selectSeeds };
  const work = choosingWork(spec, options.epochs, selecting);
  const coarse = coarsePass(args);
  const scores = args.scores === undefined ? undefined : parseScores(readJson(args.scores), args.scores);
  const isOnData = isTaskSelector(spec.place) || (work.scorings > 0 && !scores);
  if (isOnData) checkSource(args);
  const isLimited = maxParameters !== undefined || maxLatency !== undefined;
  if (scores && !isOnData && !isLimited) {
    const states = scores.matrix.length;
    return { selection: select(place, { scores, gamma, seed, defaultRank: rank, states }), states, scores };
  }
  const backbone = await openModel(args, context);
  const asked = { scores, gamma, seed, defaultRank: rank, budget: await openBudget(backbone, args, adapter) };
  const states = backbone.states.length;
  if (!isOnData) return { selection: select(place, { ...asked, states }), states, scores };
  const task = await openData(args, backbone, context);
  const { signal, onProgress, note } = context;
  const { threads, headL2 } = options;
  const choose = coarse && chooserOf(place, { ...asked, states });
  const isScored = scores === undefined && work.scorings > 0;
  const made = !isScored
    ? scores
    : await scoreEdges(backbone, task, {
        ...{ seed, threads, headL2, signal, onProgress },
        ...(choose && { coarse: { ...coarse, choose } }),
      });
  const chosen = await chooseMethod(spec, backbone, task, {
    ...{ ...asked, scores: made },
    ...{ adapter, options, selecting, signal, onProgress },
    onTrial: onTrial(context, task, work.trainings),
  });
  const { trials, seconds } = chosen;
  const selection = chosen.selection!;
  for (const text of describeCurve(selection.curve ?? [], metricName(task.goal))) note(text);
  return { selection, states, scores: made, trials, seconds };
}

/** Scores that are not given are made, and what trains to choose needs something to train on. */
function checkSource({ place, task, data, scores }: ChooseEdgesArgs): void {
  if (task !== undefined || data !== undefined) return;
  throw new GraftError("USAGE", {
    thing: `placement "${place}"`,
    place: `${scores === undefined ? "it needs scores, or a task to work on," : "it works on a task"} to choose, and no data are given`,
    remedy: `Give --task NAME or --data PATH${scores === undefined ? ", or --scores FILE where scores are enough" : ""}`,
  });
}
