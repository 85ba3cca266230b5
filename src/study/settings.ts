import * as z from "zod";
import { edgeKinds } from "../adapters/index.ts";
import { TrainOptions } from "../training/index.ts";
import { NamedSetting } from "./named-setting.ts";
import { openPruner } from "./pruners/pruners.ts";
import { openSampler } from "./samplers/samplers.ts";

const names = z.array(z.string().min(1)).nonempty();
const range = z.union([z.number(), z.tuple([z.number(), z.number()])]);

/** Which candidates there are. A sampler draws from it; `grid` goes through it. */
export const SpaceSettings = z.strictObject({
  edges: z
    .union([z.literal("all"), names])
    .default("all")
    .describe("edges adapters may take: all, or a list such as [4-5, 20-3]"),
  stride: z.int().min(1).default(1).describe("only edges between every so many states: 3 leaves 81 of 625"),
  kinds: z.array(z.enum(edgeKinds)).nonempty().optional().describe("only edges of these kinds"),
  count: z
    .union([z.int().min(1), z.tuple([z.int().min(1), z.int().min(1)])])
    .default(1)
    .describe("adapters of a candidate: a number, or [least, most]"),
  rank: z
    .union([z.int().min(1), z.array(z.int().min(1)).nonempty()])
    .default(8)
    .describe("rank of a candidate's adapters: a number, or a list to choose from"),
  learningRate: range.optional().describe("peak learning rate: a number, or [least, most]; default as in training"),
  initScale: range
    .optional()
    .describe("spread of W_down at the start, as `adapterInitScale`: a number or [least, most]"),
});
export type SpaceSettings = z.output<typeof SpaceSettings>;

/** What all trainings of a study have; a training's seed is its run's, its learning rate the candidate's. */
export const TrainingSettings = TrainOptions.omit({ seed: true, learningRate: true });

/** What is to be good: the metric always, and perhaps what a model costs. All but the metric are to be small. */
export const objectives = ["metric", "parameters", "latency"] as const;
export type Objective = (typeof objectives)[number];

/**
 * What a study.yaml says; every key has a default but `tasks` (or `data`). A sampler or pruner that there is not, or that
 * lacks an option, is thrown as the GraftError that names the likely one.
 */
export const StudySettings = z
  .strictObject({
    model: z.string().min(1).default("builtin:vit").describe("as `graft train --model`"),
    dtype: z.string().optional(),
    tasks: names.describe("generated tasks by name, or paths of data; each is searched by itself"),
    trainSize: z.int().min(1).optional().describe("training images of a generated task"),
    measureSize: z
      .int()
      .min(0)
      .default(0)
      .describe("validation images of a generated task that measure a trial, besides those that choose its epoch"),
    space: SpaceSettings.prefault({}),
    baselines: z
      .array(z.string().min(1))
      .default([])
      .describe("methods trained beside the candidates, in the `--method` language: none, all:parallel, lora:q,v"),
    sampler: NamedSetting.default("random")
      .refine((setting) => openSampler(setting))
      .describe("who draws candidates: a name, or { name: evolution, population: 20 }"),
    pruner: NamedSetting.default("none")
      .refine((setting) => openPruner(setting))
      .describe("who ends trials early: a name, or { name: asha, reduction: 3 }"),
    objectives: z.array(z.enum(objectives)).nonempty().default(["metric"]),
    trials: z.int().min(1).optional().describe("most trials a task, baselines left out"),
    hours: z.number().positive().optional().describe("stop after so many hours of work"),
    seeds: z.int().min(1).default(1).describe("trainings of each trial; seed k is the same data for all trials"),
    seed: z.int().min(0).default(0).describe("of the sampler's draws"),
    workers: z.int().min(1).optional().describe("processes; default: one for each core"),
    attempts: z.int().min(1).default(3).describe("times that a training is begun whose worker dies"),
    training: TrainingSettings.partial()
      .prefault({})
      .describe("settings of every training, as the flags of `graft train`"),
  })
  .refine(({ trials, hours, sampler }) => trials ?? hours ?? openSampler(sampler).size, {
    message: "needs `trials` or `hours`: only the grid ends by itself",
  });
export type StudySettings = z.output<typeof StudySettings>;
