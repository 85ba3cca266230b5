export { inverseCholesky } from "./cholesky.ts";
export {
  type Correlation,
  correlationDifference,
  correlationGiven,
  type MantelOptions,
  type MatrixCorrelation,
  mantelTest,
  spearmanInterval,
} from "./correlation-interval.ts";
export { didYouMean, type ErrorDetails, GraftError } from "./errors.ts";
export { fileRecordStore, type RandomAccessFile } from "./file-records.ts";
export { type PairedDifference, pairedInterval, tQuantile } from "./paired-interval.ts";
export { parseOptions } from "./parse-options.ts";
export { breathe, type LongCall, type Progress } from "./progress.ts";
export { nameSeed, type Random, random } from "./random.ts";
export { closedBy, memoryRecordStore, type RecordStore } from "./record-store.ts";
export { fitRidge } from "./ridge.ts";
export { roughDuration } from "./rough-duration.ts";
export { receivedError, type SentError, sentError } from "./sent-error.ts";
export { explainedShare, mean, median, pearson, quantile, ranks, spearman, standardDeviation } from "./statistics.ts";
