export { auroc, aurocMultiLabel, logOdds } from "./auroc.ts";
export { accuracy, macroF1, matthews, predictedClasses } from "./classification.ts";
export { bootstrapInterval, type Interval, type IntervalOptions, meanInterval, takeRows } from "./interval.ts";
export { macroF1MultiLabel, microF1MultiLabel } from "./multi-label.ts";
export { meanAbsoluteError } from "./regression.ts";
export { mrrAt, ndcgAt, ranksOf, recallAt } from "./retrieval.ts";
export { type EntityScore, entityCounts, entityF1, entityScore } from "./tokens.ts";
