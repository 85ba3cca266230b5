import * as z from "zod";
import { AdapterOptions, DEFAULT_RANK } from "../adapters/index.ts";
import { DEFAULT_SIZES } from "../tasks/index.ts";

/** Argument groups that commands share. Spread them into a command's `args`; descriptions and defaults live here only. */

/** Every command has these; `defineCommand` does not compile without them. */
export const commonArgs = {
  json: z.boolean().default(false).describe("print JSON on stdout, nothing else there"),
  quiet: z.boolean().default(false).describe("no progress, no notes"),
  config: z
    .string()
    .optional()
    .meta({ description: "YAML file with the same keys as the flags (camelCase); flags win", value: "file" }),
};

export const modelArgs = {
  model: z
    .string()
    .min(1)
    .default("builtin:vit")
    .meta({ description: "ONNX file, a folder with one, or builtin:vit", value: "model" }),
  // Every session starts that many: thousands of them bring a machine down.
  threads: z
    .int()
    .min(1)
    .max(512)
    .optional()
    .meta({ description: "threads per operator (default: all cores)", value: "n" }),
};

/** Of commands that use what `graft train` made. */
export const trainedArgs = {
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
};

export const dataArgs = {
  task: z.string().optional().meta({ description: "a generated task, e.g. count", value: "name" }),
  data: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "folder of images: train/<class>/*.png, and val/, test/ if there are", value: "path" }),
  trainSize: z
    .int()
    .min(1)
    .max(10_000_000)
    .optional()
    .meta({ description: `training images of a generated task (default: ${DEFAULT_SIZES.train})`, value: "n" }),
};

/** An adapter's settings; the library's keys, prefixed. */
export const adapterArgs = {
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
};

/** The library's adapter options from a command's arguments. */
export function adapterOptions(args: z.output<z.ZodObject<typeof adapterArgs>>): AdapterOptions {
  return {
    activation: args.adapterActivation,
    norm: args.adapterNorm,
    bias: args.adapterBias,
    scale: args.adapterScale,
    beforeNorm: args.adapterBeforeNorm,
    initScale: args.adapterInitScale,
  };
}

export const placementArgs = {
  place: z
    .string()
    .default("gga:3")
    .meta({ description: "where adapters go: gga:3, random:3@7, all:parallel, none, or 4-5,20-3@r16", value: "spec" }),
};

export const seedArgs = {
  seed: z.int().min(0).default(0).meta({ description: "seed of everything random", value: "n" }),
};

/** The arguments a library's options schema asks for, to be spread into a command's `args`. */
export function argsOf<Shape extends z.ZodRawShape>(options: z.ZodObject<Shape>): Shape {
  return options.shape;
}

/** A command's arguments, cut down to what an options schema knows. They were checked when the command started. */
export function pick<Shape extends z.ZodRawShape>(options: z.ZodObject<Shape>, args: object): z.output<typeof options> {
  const known = Object.entries(args).filter(([key]) => key in options.shape);
  return options.parse(Object.fromEntries(known));
}
