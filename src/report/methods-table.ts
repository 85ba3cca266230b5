import type { Comparison, ComparisonRow } from "../comparison/index.ts";
import { isShare } from "../objective/index.ts";
import type { Table } from "./table.ts";

/** A column of a comparison: what people read, and the number behind it, which orders rows and stands in a CSV. */
export interface MethodColumn {
  readonly title: string;
  /** In a CSV. */
  readonly key: string;
  readonly number: (row: ComparisonRow) => number | undefined;
  /** Undefined: the number stands in the CSV alone. */
  readonly text?: (row: ComparisonRow) => string;
}

/** What a comparison says of each method. Shares are shown in percent, other metrics as they are. */
export function methodColumns(comparison: Comparison, metric: string): readonly MethodColumn[] {
  const { reference } = comparison;
  const inPercent = isShare(metric);
  const unit = inPercent ? " %" : "";
  const figure = (value: number) => (inPercent ? (100 * value).toFixed(1) : value.toFixed(3));
  const spread = (value: number, std: number | undefined) =>
    Number.isNaN(value) ? "–" : std === undefined ? figure(value) : `${figure(value)} ± ${figure(std)}`;
  const signed = (value: number) => `${value < 0 ? "−" : "+"}${figure(Math.abs(value))}`;
  return [
    {
      title: `validation${unit}`,
      key: "validation",
      number: ({ validation }) => validation,
      text: ({ validation, validationStd }) => spread(validation, validationStd),
    },
    { title: "", key: "validation_std", number: ({ validationStd }) => validationStd },
    {
      title: `test${unit}`,
      key: "test",
      number: ({ test }) => test,
      text: ({ test, testStd }) => spread(test, testStd),
    },
    { title: "", key: "test_std", number: ({ testStd }) => testStd },
    {
      title: `against ${reference}`,
      key: "difference",
      number: ({ difference }) => difference?.mean,
      text: ({ difference }) => {
        if (difference === undefined || Number.isNaN(difference.mean)) return "–";
        const { mean, low, high } = difference;
        return low === undefined || high === undefined
          ? signed(mean)
          : `${signed(mean)} [${signed(low)}, ${signed(high)}]`;
      },
    },
    { title: "", key: "difference_low", number: ({ difference }) => difference?.low },
    { title: "", key: "difference_high", number: ({ difference }) => difference?.high },
    {
      title: "p, random",
      key: "p_random",
      number: ({ againstRandom }) => againstRandom?.p,
      ...(comparison.rows.some(({ againstRandom }) => againstRandom) && {
        text: ({ againstRandom }) => (againstRandom === undefined ? "–" : againstRandom.p.toFixed(3)),
      }),
    },
    { title: "", key: "random_draws", number: ({ againstRandom }) => againstRandom?.draws },
    {
      title: "parameters",
      key: "trainable_parameters",
      number: ({ trainableParameters }) => trainableParameters,
      text: ({ trainableParameters }) => trainableParameters.toLocaleString("en"),
    },
    {
      title: "rate",
      key: "learning_rate",
      number: ({ learningRate }) => learningRate,
      text: ({ learningRate }) => (learningRate === undefined ? "–" : String(Number(learningRate.toPrecision(2)))),
    },
    { title: "seconds", key: "seconds", number: ({ seconds }) => seconds, text: ({ seconds }) => seconds.toFixed(1) },
    {
      title: "tuning s",
      key: "tuning_seconds",
      number: ({ tuningSeconds }) => tuningSeconds,
      text: ({ tuningSeconds }) => tuningSeconds.toFixed(1),
    },
    {
      title: "peak MB",
      key: "peak_memory_bytes",
      number: ({ peakMemoryBytes }) => peakMemoryBytes,
      text: ({ peakMemoryBytes }) => megabytes(peakMemoryBytes, 0),
    },
    {
      title: "file MB",
      key: "file_bytes",
      number: ({ fileBytes }) => fileBytes,
      text: ({ fileBytes }) => megabytes(fileBytes, 2),
    },
    {
      title: "ms",
      key: "latency_ms",
      number: ({ latency }) => latency?.tunedMs,
      text: ({ latency }) => (latency === undefined ? "–" : latency.tunedMs.toFixed(1)),
    },
    {
      title: "× base",
      key: "latency_ratio",
      number: ({ latency }) => latency?.ratio,
      text: ({ latency }) => (latency === undefined ? "–" : latency.ratio.toFixed(2)),
    },
  ];
}

const megabytes = (bytes: number | undefined, digits: number) =>
  bytes === undefined ? "–" : (bytes / 1e6).toFixed(digits);

/** A comparison for the terminal, or as markdown. */
export function methodsTable(comparison: Comparison, metric: string): Table {
  const columns = methodColumns(comparison, metric).flatMap(({ title, text }) => (text ? [{ title, text }] : []));
  return {
    columns: [{ title: "method" }, ...columns.map(({ title }) => ({ title, align: "right" as const }))],
    rows: comparison.rows.map((row) => [row.method, ...columns.map(({ text }) => text(row))]),
  };
}

/** What the figures are, for whoever reads the table. */
export function methodsLegend({ rows, seeds, trials, reference }: Comparison): readonly string[] {
  const [seed] = seeds;
  const pairs = rows.find(({ difference }) => difference)?.difference?.pairs;
  const over = `${seeds.length} seeds (${seeds.join(", ")})`;
  const interval =
    seeds.length > 1
      ? `paired over ${over}, with Student's 95 % interval`
      : pairs !== undefined && pairs > 1
        ? `one seed (${seed}), with a 95 % bootstrap interval over ${pairs} test examples, paired`
        : `one seed (${seed}): no interval`;
  return [
    `Differences on test to ${reference}: ${interval}. An interval that holds 0 leaves open which is better.`,
    trials > 1
      ? `Learning rates: the best of ${trials} on validation, with seed ${seed}, for every method that has one. Test was met once a method and seed.`
      : "Learning rates are each method's own, none was tuned. Test was met once a method and seed.",
    ...(rows.some(({ againstRandom }) => againstRandom)
      ? [
          "p, random: (1 + random placements of as many edges that did as well on their seed's test) / (1 + all of them).",
        ]
      : []),
    "Seconds of a run hold the fit of the head and, where edges are scored, the scoring. Memory is the most of a process that ran nothing else.",
    "Latency: one example, beside the frozen model with the same head.",
    ...int8Note(rows),
    ...rows.flatMap(({ method, failure }) => (failure === undefined ? [] : [`${method} failed: ${failure}`])),
  ];
}

/** Which trainings computed frozen products in int8; nothing where none did. */
function int8Note(rows: Comparison["rows"]): string[] {
  const trained = rows.filter(({ runs }) => runs.some(({ backbonePrecision }) => backbonePrecision !== undefined));
  const int8 = trained.filter(({ runs }) => runs.some(({ backbonePrecision }) => backbonePrecision === "int8"));
  if (int8.length === 0) return [];
  const which = int8.length === trained.length ? "all methods" : int8.map(({ method }) => method).join(", ");
  return [
    `Trained with the frozen products in int8: ${which}; --backbone-precision fp32 does without. Measured in float32.`,
  ];
}
