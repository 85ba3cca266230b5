export { type LengthBucketsOptions, lengthBuckets } from "./length-buckets.ts";
export { type OpenTokenizerOptions, openTokenizer, type TokenizerFiles } from "./open-tokenizer.ts";
export { padBatch, paddedStart, type TokenBatch } from "./pad-batch.ts";
export type { Encoding, Tokenizer } from "./tokenizer.ts";
