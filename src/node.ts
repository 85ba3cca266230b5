/** The package's entry in Node. */
export { type ErrorDetails, GraftError, type LongCall, type Progress } from "./base/index.ts";
