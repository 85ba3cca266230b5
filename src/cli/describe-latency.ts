import type { Latency } from "../artifact/index.ts";

/** What an exported model costs to run, in a line. */
export const describeLatency = ({ baseMs, tunedMs, ratio, pairs }: Latency): string =>
  `one example takes the exported model ${tunedMs.toFixed(1)} ms, the frozen one ${baseMs.toFixed(1)} ms: ` +
  `${ratio.toFixed(2)}× (medians of ${pairs} runs of each)`;
