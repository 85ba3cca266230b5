import * as z from "zod";
import { AdapterOptions, DEFAULT_RANK } from "../adapters/index.ts";
import { GraftError } from "../base/index.ts";
import { devices } from "../runtime/index.ts";
import { parseMethod, parseSelector } from "../selection/index.ts";
import { type ColumnNames, type TaskKind, taskKinds } from "../tables/index.ts";
import { DEFAULT_SIZES } from "../tasks/index.ts";
import { inGroup } from "./flags.ts";

/**
 * Argument groups that commands share, each under a heading of the help. Spread them into a command's `args`; descriptions
 * and defaults live here only.
 */

/** Every command has these; `defineCommand` does not compile without them. */
export const commonArgs = inGroup("General", {
  json: z.boolean().default(false).describe("print JSON on stdout, nothing else there"),
  quiet: z.boolean().default(false).describe("no progress, no notes"),
  config: z
    .string()
    .optional()
    .meta({ description: "YAML file with the same keys as the flags (camelCase); flags win", value: "file" }),
});

export const modelArgs = inGroup("Model", {
  model: z
    .string()
    .min(1)
    .default("builtin:vit")
    .meta({ description: "hf:org/name, an ONNX file, a folder with one, or builtin:vit", value: "model" }),
  dtype: z.string().optional().meta({
    description: "which of a model's ONNX files: fp32, fp16, q8, … (default: the best there is)",
    value: "kind",
  }),
  // Every session starts that many: thousands of them bring a machine down.
  threads: z
    .int()
    .min(1)
    .max(512)
    .optional()
    .meta({ description: "threads per operator (default: all cores)", value: "n" }),
  device: z
    .enum([...devices, "auto"])
    .default("cpu")
    .describe("where the model runs; `auto` takes the fastest"),
});

/** Of commands that use what `graft train` made. */
export const trainedArgs = inGroup("Model", {
  model: z
    .string()
    .min(1)
    .default("graft-out")
    .meta({ description: "folder that `graft train --out` wrote", value: "dir" }),
  backbone: z
    .string()
    .optional()
    .meta({ description: "the frozen model, where it no longer lies where training found it", value: "model" }),
  threads: modelArgs.threads,
  device: modelArgs.device,
});

/** Of commands that write an exported model. */
export const exportArgs = inGroup("Output", {
  outDtype: z
    .enum(["fp32", "q8"])
    .default("fp32")
    .describe("weights of the exported model: as they are, or the frozen ones as int8"),
});

const column = (description: string) => z.string().min(1).optional().meta({ description, value: "column" });

/** What the columns of rows mean; those left out are guessed, and the guess is shown. */
const columnArgs = {
  kind: z
    .enum(taskKinds as [TaskKind, ...TaskKind[]])
    .optional()
    .meta({ description: "what is to be learned from rows (default: guessed)" }),
  text: column("text of a row"),
  textPair: column("second text of a pair"),
  label: column("class, or classes"),
  score: column("number to predict, or how alike a pair is"),
  image: column("picture, or its path"),
  tokens: column("words of a sentence"),
  tags: column("a tag for each word"),
  anchor: column("text whose neighbours matter"),
  positive: column("text that is to be near"),
  negative: column("text that is to be far"),
  labelSeparator: z.string().min(1).optional().meta({ description: "between the classes in one cell", value: "text" }),
};

export type ColumnArgs = Partial<Readonly<Record<keyof typeof columnArgs, string>>>;

/** The columns that arguments name. */
export function columnNames(args: ColumnArgs): ColumnNames {
  const named = Object.keys(columnArgs).map((key) => [key, args[key as keyof typeof columnArgs]] as const);
  return Object.fromEntries(named.filter(([, value]) => value !== undefined));
}

export const dataArgs = inGroup("Data", {
  task: z.string().optional().meta({ description: "a generated task, e.g. count", value: "name" }),
  data: z.string().min(1).optional().meta({
    description:
      "CSV, TSV, JSONL, Parquet or CoNLL file, folder of such by split, or pictures in train/<class>/ or <class>/",
    value: "path",
  }),
  ...columnArgs,
  skipUnreadable: z.boolean().default(false).describe("leave out rows that cannot be understood, and count them"),
  trainSize: z
    .int()
    .min(1)
    .max(10_000_000)
    .optional()
    .meta({ description: `training images of a generated task (default: ${DEFAULT_SIZES.train})`, value: "n" }),
});

/** An adapter's settings; the library's keys, prefixed. */
export const adapterArgs = inGroup("Adapters", {
  rank: z
    .int()
    .min(1)
    .default(DEFAULT_RANK)
    .meta({ description: "rank of adapters whose edge names none", value: "r" }),
  adapterActivation: AdapterOptions.shape.activation,
  adapterNorm: AdapterOptions.shape.norm,
  adapterBias: AdapterOptions.shape.bias,
  adapterScale: AdapterOptions.shape.scale,
  adapterBeforeNorm: AdapterOptions.shape.beforeNorm,
  adapterInitScale: AdapterOptions.shape.initScale,
  adapterStart: AdapterOptions.shape.start,
});

/** The library's adapter options from a command's arguments. */
export function adapterOptions(args: z.output<z.ZodObject<typeof adapterArgs>>): AdapterOptions {
  return {
    activation: args.adapterActivation,
    norm: args.adapterNorm,
    bias: args.adapterBias,
    scale: args.adapterScale,
    beforeNorm: args.adapterBeforeNorm,
    initScale: args.adapterInitScale,
    // Folders of comparisons that were begun without it go on.
    ...(args.adapterStart !== "default" && { start: args.adapterStart }),
  };
}

const DEFAULT_PLACE = "gga:3";
const PLACES = "where adapters go: gga:3, race:3, auto, random:3@7, all:parallel, none, or 4-5,20-3@r16";

export const placementArgs = inGroup("Placement", {
  place: z.string().default(DEFAULT_PLACE).meta({ description: PLACES, value: "spec" }),
});

/** Of commands that train: a method by name, or where adapters go. */
export const methodArgs = inGroup("Placement", {
  place: z
    .string()
    .optional()
    .meta({ description: `${PLACES} (default: ${DEFAULT_PLACE})`, value: "spec" }),
  method: z.string().optional().meta({
    description: "what to train instead: lora:q,v@r8, bitfit, full, houlsby, … (`list` shows all)",
    value: "spec",
  }),
});

/** What adapters may cost: selectors pass over edges that would break it. */
export const limitArgs = inGroup("Placement", {
  maxParameters: z
    .int()
    .min(0)
    .optional()
    .meta({ description: "most trainable parameters of all adapters, head left out", value: "n" }),
  maxLatency: z.number().min(1).optional().meta({
    description: "most operations of a forward pass, estimated, in those of the plain model: 1.3 is 30 % more",
    value: "x",
  }),
});

/** How edges are chosen where that takes trainings. */
export const selectingArgs = inGroup("Placement", {
  selectEpochs: z.int().min(1).optional().meta({
    description: "epochs of a short training that helps to choose (default: 1)",
    value: "n",
  }),
  selectSeeds: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: "seeds that auto trains each number of adapters with (default: 3)", value: "n" }),
});

/** How edges are scored. */
export const coarseArgs = inGroup("Placement", {
  coarse: z
    .boolean()
    .default(false)
    .describe("score exactly only what gga or top could take, estimate the rest: faster from d = 384 on"),
  coarseColumns: z.int().min(1).optional().meta({
    description: "columns that --coarse projects states to (default: a third of d, 256 at most)",
    value: "n",
  }),
});

/** The coarse pass that arguments ask for. Throws USAGE beside scores that are there. */
export function coarsePass(args: z.output<z.ZodObject<typeof coarseArgs>> & { readonly scores?: string }) {
  if (!args.coarse && args.coarseColumns === undefined) return undefined;
  if (args.scores === undefined) return { columns: args.coarseColumns };
  throw new GraftError("USAGE", {
    thing: "--coarse",
    place: `it is a way to score edges, and --scores ${args.scores} has scores`,
    remedy: "Leave one of them out",
  });
}

/** What `--method` or `--place` asks for, checked to be of its language. Throws USAGE if both do. */
export function methodText({ place, method }: { readonly place?: string; readonly method?: string }): string {
  if (place === undefined || method === undefined) {
    if (method !== undefined) parseMethod(method);
    else parseSelector(place ?? DEFAULT_PLACE);
    return method ?? place ?? DEFAULT_PLACE;
  }
  throw new GraftError("USAGE", {
    thing: "what to train",
    place: "both --method and --place are given",
    remedy: "Give one: a placement is a method too",
  });
}

export const seedArgs = inGroup("General", {
  seed: z.int().min(0).default(0).meta({ description: "seed of everything random", value: "n" }),
});

/** The arguments a library's options schema asks for, to be spread into a command's `args`. */
export function argsOf<Shape extends z.ZodRawShape>(options: z.ZodObject<Shape>): Shape {
  return options.shape;
}

/** A command's arguments, cut down to what an options schema knows. They were checked when the command started. */
export function pick<Shape extends z.ZodRawShape>(options: z.ZodObject<Shape>, args: object): z.output<typeof options> {
  const known = Object.entries(args).filter(([key]) => key in options.shape);
  return options.parse(Object.fromEntries(known));
}
