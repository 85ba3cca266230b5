import { StudySettings } from "../settings.ts";

/** What one may choose of an experiment; the rest is the experiment's own. */
export interface PaperOptions {
  readonly model?: string;
  readonly dtype?: string;
  readonly tasks?: readonly string[];
  /** Hidden states of the backbone: one fewer is how many places there are for parallel adapters. */
  readonly states: number;
  readonly trainSize?: number;
  readonly measureSize?: number;
  readonly seeds?: number;
  readonly epochs?: number;
  readonly rank?: number;
  /** Edges between every so many states. */
  readonly stride?: number;
  readonly draws?: number;
  readonly workers?: number;
}

/** An experiment of the paper: a study, and what is read from its trials. Adding one: a line here, in `analyse.ts` and in `report/paper`. */
export interface Experiment {
  readonly name: string;
  readonly summary: string;
  /** Name of its study; experiments that read one study share it. */
  readonly study: "places" | "edges" | "random" | "baselines";
  settings(options: PaperOptions): StudySettings;
}

/** One adapter alone has this rank, one of many that: about alike in parameters with three of the first. */
const [RANK_ALONE, RANK_OF_MANY] = [32, 8];

/** Goals of four kinds: where, what it is made of, how it is turned, what it is. */
const FOUR_TASKS = ["location", "texture", "orientation", "family"];
const TWO_TASKS = ["location", "texture"];

/** The baseline with an adapter at every place. */
const everyPlace = (rank: number) => `all:parallel@r${rank}`;

/** How a study names that baseline. */
export const everyPlaceOf = ({ baselines }: Pick<StudySettings, "baselines">): string =>
  baselines.find((method) => method.startsWith("all:parallel")) ?? everyPlace(RANK_OF_MANY);

const edges: Pick<Experiment, "study" | "settings"> = {
  study: "edges",
  settings: (options) =>
    studyOf(options, FOUR_TASKS, {
      space: { stride: options.stride ?? 3, rank: options.rank ?? RANK_ALONE },
      sampler: "grid",
      baselines: ["none", everyPlace(RANK_OF_MANY)],
      seeds: options.seeds ?? 2,
    }),
};

export const experiments = {
  places: {
    name: "places",
    summary: "one parallel adapter at each place, per task",
    study: "places",
    settings: (options) =>
      studyOf(options, FOUR_TASKS, {
        space: { kinds: ["parallel"], rank: options.rank ?? RANK_ALONE },
        sampler: "grid",
        baselines: ["none"],
        seeds: options.seeds ?? 2,
      }),
  },
  edges: { name: "edges", summary: "one adapter on each edge between states a stride apart, per task", ...edges },
  correlation: {
    name: "correlation",
    summary: "rank correlation of those matrices between tasks, with Mantel's test",
    ...edges,
  },
  scores: { name: "scores", summary: "whether scores tell, before any training, how good those edges are", ...edges },
  random: {
    name: "random",
    summary: "draws of as many edges as there are places, as a distribution; the best chosen on validation",
    study: "random",
    settings: (options) =>
      studyOf(options, TWO_TASKS, {
        space: { count: options.states - 1, rank: options.rank ?? RANK_OF_MANY },
        sampler: "random",
        trials: options.draws ?? 50,
        baselines: ["none", everyPlace(options.rank ?? RANK_OF_MANY)],
        seeds: options.seeds ?? 1,
      }),
  },
  baselines: {
    name: "baselines",
    summary: "the table: linear head, first places, every place, LoRA, full fine-tuning, random draws",
    study: "baselines",
    settings: (options) =>
      studyOf(options, FOUR_TASKS, {
        space: { count: options.states - 1, rank: options.rank ?? RANK_OF_MANY },
        sampler: "random",
        trials: options.draws ?? 3,
        baselines: [
          "none",
          `first:3@r${RANK_ALONE}`,
          everyPlace(options.rank ?? RANK_OF_MANY),
          `all:sequential@r${options.rank ?? RANK_OF_MANY}`,
          `lora:q,v@r${options.rank ?? RANK_OF_MANY}`,
          "full",
        ],
        seeds: options.seeds ?? 3,
      }),
  },
} as const satisfies Record<string, Experiment>;

export type ExperimentName = keyof typeof experiments;

/** Generated tasks have as many images besides the 400 that choose an epoch; rows of data have none to spare. */
const MEASURED = 2000;

function studyOf(
  { model, dtype, tasks, trainSize, measureSize, epochs, workers }: PaperOptions,
  usual: readonly string[],
  rest: Omit<Parameters<typeof StudySettings.parse>[0] & object, "tasks">,
): StudySettings {
  return StudySettings.parse({
    model,
    dtype,
    tasks: tasks ?? usual,
    trainSize,
    measureSize: measureSize ?? (tasks?.some(isFile) ? 0 : MEASURED),
    workers,
    training: epochs === undefined ? {} : { epochs },
    ...rest,
  });
}

const isFile = (task: string) => /[./\\]/.test(task);
