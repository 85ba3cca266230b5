export { epochOrder, type ImageBatchOptions, imagesAt } from "./batches.ts";
export { type Concept, type ConceptOptions, createConcepts } from "./concepts/concepts.ts";
export { drawBackground } from "./drawing/background.ts";
export { type Canvas, createCanvas, toBytes } from "./drawing/canvas.ts";
export { contrastingColors } from "./drawing/color.ts";
export { drawSprite } from "./drawing/sprite.ts";
export {
  DEFAULT_SIZES,
  type GeneratedTask,
  type GeneratedTaskOptions,
  openGeneratedTask,
  taskNames,
} from "./generated/open-generated-task.ts";
export { type ClassifyGoal, describeGoal, type Goal, type GoalKind, outputNames } from "./goal.ts";
export { type LabelledTask, type LabelledTaskOptions, openLabelledTask } from "./labelled-task.ts";
export { type OpenTexts, openTexts } from "./open-texts.ts";
export type { Filter } from "./resample.ts";
export { fitImage, type ImageSize, type ImageTarget, type Resize, resizeTask } from "./resize.ts";
export {
  type Augmentation,
  type ImageSplit,
  type ImageTask,
  labelsOf,
  type Split,
  type Targets,
  type Task,
  type TextSplit,
} from "./task.ts";
export { hashTask } from "./task-hash.ts";
