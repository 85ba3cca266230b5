import { join } from "node:path";
import { modelBytes } from "../artifact/index.node.ts";
import {
  type ExportDtype,
  exportModel,
  type Latency,
  measureLatency,
  measureQuantized,
  type Quantized,
  quantizeExport,
  type TrainingInfo,
} from "../artifact/index.ts";
import { writeFileAtomic } from "../base/index.node.ts";
import { type Base, measureBase } from "../comparison/index.ts";
import { describeMethod } from "../methods/index.ts";
import {
  type AdapterOptions,
  type Backbone,
  type Evaluation,
  folderCheckpoint,
  metricName,
  outputsOf,
  parseScores,
  saveTrained,
  type Task,
  type Trained,
  type TrainOptions,
  train,
} from "../node.ts";
import { evaluateOutputs, isHigher, type Metric, measureAll } from "../objective/index.ts";
import { parseSiteScores } from "../scoring/index.ts";
import {
  chooseMethod,
  choosingWork,
  needsSiteScores,
  openBudget,
  parseMethod,
  type SelectedMethod,
  selectMethod,
} from "../selection/index.ts";
import type { Head } from "../training/index.ts";
import { coarsePass } from "./arguments.ts";
import { widestOnTheWay } from "./assumed-method.ts";
import type { BegunSettings } from "./begun-settings.ts";
import type { CommandContext } from "./define-command.ts";
import { describeBudget, describeCurve, onTrial } from "./describe-choice.ts";
import { describeLatency } from "./describe-latency.ts";
import { keptSelection } from "./kept-selection.ts";
import { fitMemory } from "./memory.ts";
import { RESULT_FILE } from "./out-folder.ts";
import { placementPicture } from "./placement-picture.ts";
import { readJson } from "./read-json.ts";
import { showMetric } from "./show-metric.ts";

/** What of `graft train`'s arguments the work depends on. */
export interface TrainTaskArgs {
  /** In the `--method` language, of which `--place` is a part. */
  readonly method: string;
  readonly scores?: string;
  readonly coarse: boolean;
  readonly coarseColumns?: number;
  readonly maxParameters?: number;
  readonly maxLatency?: number;
  readonly selectEpochs?: number;
  readonly selectSeeds?: number;
  readonly rank: number;
  readonly seed: number;
  readonly threads?: number;
  readonly out: string;
  readonly outDtype: ExportDtype;
  readonly resume: boolean;
  readonly checkpointSeconds?: number;
}

/** What `graft train` says last, and writes to `result.json`. */
export interface TrainResult {
  readonly metric: string;
  readonly validation: Evaluation;
  readonly test: Evaluation;
  /** All metrics of the goal on test, with 95 % intervals. */
  readonly testMetrics: readonly Metric[];
  readonly base: Base["measures"];
  /** The base measure that does better on validation than what was trained, if one does. */
  readonly betterBase?: string;
  /** With `--out-dtype q8`: what it costs on validation, and the bytes of both files. */
  readonly quantized?: Quantized & { readonly bytes: Readonly<Record<ExportDtype, number>> };
  readonly trainableParameters: number;
  /** How products with frozen weights were computed in training; what was saved is float32 all the same. */
  readonly backbonePrecision: Trained["backbonePrecision"];
  readonly int8Products?: Trained["int8Products"];
  /** Of training, with the fit of the head it started from. */
  readonly seconds: number;
  readonly peakMemoryBytes: number;
  /** Of the exported model beside the frozen one, a batch of one. */
  readonly latency: Latency;
  /** As asked for. */
  readonly method: string;
  /** Its edges, or of a method without edges what it is. */
  readonly placement: string;
  readonly bestEpoch: number;
  /** Which rows or pictures are training, validation and test depends on it, where they were not given apart. */
  readonly seed: number;
  readonly out: string;
}

export interface TrainTaskCall {
  readonly args: TrainTaskArgs;
  readonly adapter: AdapterOptions;
  readonly options: TrainOptions;
  /** Of a run that goes on: what it decided for memory when it began. */
  readonly begun?: BegunSettings;
  /** What the data are called, for the model's card. */
  readonly data: string;
}

/** Whether the model reads two texts at once, which no pipeline of Transformers.js does. */
export const isPair = ({ train }: Task): boolean => train.kind === "text" && train.isPair;

type Context = Pick<CommandContext<unknown>, "signal" | "onProgress" | "line" | "note">;

/** Measure the base, place, train, compare, and save: everything between the data and the folder. */
export async function trainTask(
  context: Context,
  backbone: Backbone,
  task: Task,
  call: TrainTaskCall,
): Promise<{ model: Trained; result: TrainResult }> {
  const { signal, onProgress, line, note } = context;
  const { args, options, data } = call;
  const { out, threads, seed } = args;
  const metric = metricName(task.goal);
  const base = await measureBase(backbone, task, options, { signal, onProgress });
  for (const measure of base.measures) {
    line("base", measure);
    note(`base, ${measure.name}: validation ${metric} ${showMetric(metric, measure.validation.value)}`);
  }

  const { method, selection } = await choose(context, backbone, task, call, base.head);
  const placement = describeMethod(method);
  note(
    selection && placement !== "none" ? `placement ${placement}` : `method ${describeTrained(args.method, placement)}`,
  );
  for (const text of selection ? describeBudget(selection) : []) note(text);
  line("placement", { method: args.method, placement, edges: selection?.edges, cost: selection?.cost });
  const model = await train(backbone, task, method, {
    options: await fitMemory(context, backbone, task, method, options, call.begun),
    head: base.head,
    checkpoint: folderCheckpoint(out),
    resume: args.resume,
    checkpointSeconds: args.checkpointSeconds,
    signal,
    onProgress,
    onNote: note,
    onEpoch: (record) => {
      line("epoch", record);
      const { epoch, trainLoss, validation } = record;
      const value = showMetric(metric, validation.value);
      note(`epoch ${epoch}: training loss ${trainLoss.toFixed(4)}, validation ${metric} ${value}`);
    },
  });
  const quantized =
    args.outDtype === "q8" && (await measureQuantized(model, task.validation, { signal, onProgress, threads }));
  const outputs = await outputsOf(model, task.test, { signal, onProgress, threads });
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  const exported = exportModel(args.outDtype === "q8" ? quantizeExport(model) : model);
  const latency = await measureLatency(model, { exported, threads, signal });
  note(describeLatency(latency));
  const measured: TrainResult = {
    metric,
    validation: model.validation,
    test: evaluateOutputs(task.goal, task.test, outputs),
    testMetrics: measureAll(task.goal, task.test, outputs, seed),
    base: base.measures,
    betterBase: betterBase(base, model.validation),
    trainableParameters: model.trainableParameters,
    backbonePrecision: model.backbonePrecision,
    int8Products: model.int8Products,
    seconds: model.seconds + base.seconds,
    peakMemoryBytes,
    latency,
    method: args.method,
    placement,
    bestEpoch: model.bestEpoch,
    seed,
    out,
  };
  const info: TrainingInfo = {
    data: `${data}: ${task.train.count} training, ${task.validation.count} validation, ${task.test.count} test examples`,
    measures: base.measures.map(({ name, test }) => ({
      name: `${metric}, against ${name}`,
      base: test.value,
      tuned: measured.test.value,
    })),
    warning: measured.betterBase && worseThan(measured.betterBase),
    seconds: measured.seconds,
    precision: model.int8Products && describeInt8(model.int8Products),
    picture: method.kind === "adapters" ? placementPicture(backbone, method.placement, selection?.edges) : undefined,
    command: `graft train ${process.argv.slice(3).join(" ")}`,
    pair: isPair(task),
  };
  await saveTrained(model, out, info, args.outDtype);
  const result = { ...measured, quantized: quantized ? { ...quantized, bytes: await bothSizes(out) } : undefined };
  await writeFileAtomic(join(out, RESULT_FILE), `${JSON.stringify({ schema: 1, ...result }, undefined, 2)}\n`);
  return { model, result };
}

const bothSizes = async (out: string) => ({ fp32: await modelBytes(out, "fp32"), q8: await modelBytes(out, "q8") });

/** What people are told of a training whose backbone was in int8. */
export const describeInt8 = ({ int8, left }: NonNullable<Trained["int8Products"]>): string =>
  `int8 (${int8} of ${int8 + left} products; what was saved is measured in float32)`;

/** What people are told where training was in vain. */
export const worseThan = (base: string): string =>
  `The base is better: ${base} does better on validation than what was trained.`;

/** Chosen on validation, as everything is. */
function betterBase(base: Base, trained: Evaluation): string | undefined {
  const best = bestBase(base);
  return isHigher(best.validation.value, trained.value) ? best.name : undefined;
}

const bestBase = ({ measures }: Base) =>
  measures.reduce((a, b) => (isHigher(a.validation.value, b.validation.value) ? a : b));

/** What people are told was trained: adapters by their edges, a named method by its name, without either the head alone. */
export const describeTrained = (method: string, placement: string): string =>
  placement === "none" ? "linear head" : "place" in parseMethod(method) ? `adapters ${placement}` : method;

/**
 * What `--method` or `--place` asks for; edges are scored, and adapters trained, only where a selector needs that. A choice
 * that took trainings is kept in `--out`, for `--resume`.
 */
async function choose(
  context: Context,
  backbone: Backbone,
  task: Task,
  { args, adapter, options }: TrainTaskCall,
  head: Head,
): Promise<SelectedMethod> {
  const { signal, onProgress } = context;
  const { method, scores: file, seed, rank, resume } = args;
  const spec = parseMethod(method);
  const json = file === undefined ? undefined : readJson(file);
  const isOfSites = needsSiteScores(spec);
  const scores = json !== undefined && !isOfSites ? parseScores(json, file) : undefined;
  const sites = json !== undefined && isOfSites ? parseSiteScores(json, file) : undefined;
  const budget = await openBudget(backbone, args, adapter);
  const call = { adapter, scores, sites, seed, budget, defaultRank: rank, coarse: coarsePass(args) };
  const selecting = { epochs: args.selectEpochs, seeds: args.selectSeeds };
  const { trainings, epochs } = choosingWork(spec, options.epochs, selecting);
  const choosing = {
    ...call,
    options,
    selecting,
    head,
    signal,
    onProgress,
    onTrial: onTrial(context, task, trainings),
  };
  if (trainings === 0) return chooseMethod(spec, backbone, task, choosing);
  const { maxParameters, maxLatency } = args;
  const about = { method, seed, rank, adapter, options, selecting, maxParameters, maxLatency, scores };
  const kept = keptSelection(args.out, { ...about, backbone: backbone.hash, task: task.name });
  const placement = resume ? await kept.read() : undefined;
  if (placement !== undefined) {
    context.note(`placement ${placement}, as chosen before`);
    return selectMethod(placement, backbone, { ...call, scores: undefined });
  }
  context.note(`${method} trains to choose: up to ${trainings} trainings, ${epochs} epochs in all`);
  const widest = await widestOnTheWay(args, backbone, adapter);
  const fitting = widest ? await fitMemory(context, backbone, task, widest, options) : options;
  const chosen = await chooseMethod(spec, backbone, task, { ...choosing, options: fitting });
  await kept.write(describeMethod(chosen.method));
  for (const text of describeCurve(chosen.selection!.curve ?? [], metricName(task.goal))) context.note(text);
  return chosen;
}
