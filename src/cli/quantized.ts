import type { ExportDtype, Quantized } from "../artifact/index.ts";
import { showMetric } from "./show-metric.ts";

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** One line: what int8 weights save, and what they cost. */
export function describeQuantized(
  metric: string,
  {
    same,
    difference,
    float,
    quantized,
    examples,
    bytes,
  }: Quantized & { readonly bytes: Readonly<Record<ExportDtype, number>> },
): string {
  const answers =
    same === undefined
      ? `outputs differ by ${(100 * difference).toFixed(1)} %`
      : `${(100 * same).toFixed(1)} % of answers are the same`;
  return (
    `q8: ${megabytes(bytes.q8)} instead of ${megabytes(bytes.fp32)}; on ${examples} examples ${answers}, ` +
    `${metric} ${showMetric(metric, quantized)} instead of ${showMetric(metric, float)}`
  );
}
