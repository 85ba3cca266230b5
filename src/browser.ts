/** The package's entry in a browser. */
export { type ErrorDetails, GraftError, type LongCall, type Progress } from "./base/index.ts";
