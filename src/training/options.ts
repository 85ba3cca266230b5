import * as z from "zod";
import { ADAPTER_LEARNING_RATE } from "../methods/index.ts";
import { DEFAULT_HEAD_L2 } from "./fit-head.ts";

/**
 * How adapters are trained. One home for every default; the command line makes its flags from this schema.
 * The paper leaves optimiser, rates and epochs open: these are the settings of docs/experiments.md.
 */
export const TrainOptions = z.strictObject({
  epochs: z.int().min(1).default(4).describe("passes over the training examples"),
  batchSize: z.int().min(1).default(32).describe("examples per step"),
  microBatch: z
    .int()
    .min(1)
    .optional()
    .describe("examples computed at once, where a whole batch does not fit the memory: their gradients are added up"),
  recompute: z
    .enum(["auto", "on", "off"])
    .default("auto")
    .describe(
      "drop what a block computed and compute it again for the gradient (auto: where `graft train` or `compare` finds no other way to fit the memory)",
    ),
  learningRate: z
    .number()
    .positive()
    .optional()
    .describe(
      `peak learning rate of what is trained (default: by method and hidden size, ${ADAPTER_LEARNING_RATE} for adapters at 96)`,
    ),
  headLearningRate: z.number().positive().default(2e-3).describe("peak learning rate of the head"),
  weightDecay: z
    .number()
    .min(0)
    .default(1e-3)
    .describe("decoupled weight decay of the adapters' projections and the head"),
  warmup: z.number().min(0).max(1).default(0.05).describe("share of the steps spent warming up"),
  clipNorm: z.number().positive().default(1).describe("largest norm of the gradient"),
  labelSmoothing: z.number().min(0).max(0.9).default(0).describe("label smoothing"),
  classWeights: z.enum(["none", "balanced"]).default("none").describe("weigh classes alike, or examples (`none`)"),
  contrast: z
    .enum(["contrastive", "margin"])
    .default("contrastive")
    .describe("loss of triplets: against the whole batch, or each triplet alone"),
  contrastBatch: z
    .int()
    .min(2)
    .optional()
    .describe("examples whose embeddings are compared at once, by cached gradients where they are more than a batch"),
  patience: z.int().min(1).optional().describe("stop after this many epochs without a better validation value"),
  augment: z.boolean().default(true).describe("shift and mirror training images as far as the task allows"),
  frozenCache: z
    .boolean()
    .default(true)
    .describe("compute what training does not change once for each example; of augmented images in studies alone"),
  headL2: z
    .number()
    .positive()
    .default(DEFAULT_HEAD_L2)
    .describe("L2 penalty of the linear head that training starts from"),
  backbonePrecision: z
    .enum(["auto", "fp32", "int8"])
    .default("auto")
    .describe(
      "how products with frozen weights are computed in training (auto: int8 where it pays); what is exported does not change",
    ),
  seed: z.int().min(0).default(0).describe("seed of every random choice"),
  threads: z.int().min(1).optional().describe("threads of the runtime; results are bit-equal for equal counts"),
});
export type TrainOptions = z.output<typeof TrainOptions>;
export type TrainSettings = z.input<typeof TrainOptions>;
