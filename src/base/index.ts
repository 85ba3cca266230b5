export { didYouMean, type ErrorDetails, GraftError, suggest } from "./errors.ts";
export { breathe, type LongCall, type Progress } from "./progress.ts";
export { nameSeed, type Random, random } from "./random.ts";
export { mean, median, spearman, standardDeviation } from "./statistics.ts";
