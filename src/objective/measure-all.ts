import { pearson, spearman } from "../base/index.ts";
import { type Goal, labelsOf, outputNames, type Split } from "../tasks/index.ts";
import { hasEntities, numbersOf, pairCosines, predictedTags, retrievalRanks, tagsByExample } from "./evaluation.ts";
import {
  accuracy,
  auroc,
  aurocMultiLabel,
  bootstrapInterval,
  entityCounts,
  entityScore,
  type Interval,
  logOdds,
  macroF1,
  macroF1MultiLabel,
  matthews,
  meanAbsoluteError,
  meanInterval,
  microF1MultiLabel,
  mrrAt,
  ndcgAt,
  predictedClasses,
  recallAt,
  takeRows,
} from "./metrics/index.ts";

/** A figure of a model on a split, with its 95 % bootstrap interval over examples. */
export interface Metric {
  readonly name: string;
  readonly value: number;
  /** Undefined where too few draws have a value. */
  readonly interval: Interval | undefined;
}

/** Draws of an interval; enough for two digits. */
const DRAWS = 500;

/**
 * Every metric that suits a goal, the one of `metricName` first.
 * @param outputs  as for `evaluateOutputs`
 * @param seed     of the bootstrap; default 0
 */
export function measureAll(goal: Goal, split: Split, outputs: Float32Array, seed = 0): Metric[] {
  const { count } = split;
  const width = outputNames(goal).length;
  const all = Uint32Array.from({ length: count }, (_, k) => k);
  const metric = (name: string, statistic: (indices: Uint32Array) => number): Metric => ({
    name,
    value: statistic(all),
    interval: bootstrapInterval(count, statistic, { seed, draws: DRAWS }),
  });
  const meanMetric = (name: string, values: ArrayLike<number>): Metric => ({
    name,
    value: Array.from(values).reduce((sum, value) => sum + value, 0) / values.length,
    interval: meanInterval(values, { seed, draws: DRAWS }),
  });

  switch (goal.kind) {
    case "classify": {
      const labels = labelsOf(split);
      const predicted = predictedClasses(outputs, width);
      const odds = logOdds(outputs, width);
      const onRows = (of: (predicted: Int32Array, labels: Int32Array) => number) => (rows: Uint32Array) =>
        of(takeRows(predicted, rows), takeRows(labels, rows));
      return [
        metric("accuracy", onRows(accuracy)),
        metric(
          "macro-F1",
          onRows((found, wanted) => macroF1(found, wanted, width)),
        ),
        metric(
          "MCC",
          onRows((found, wanted) => matthews(found, wanted, width)),
        ),
        metric("AUROC", (rows) => auroc(takeRows(odds, rows, width), takeRows(labels, rows), width)),
      ];
    }
    case "multi_label": {
      const values = numbersOf(split);
      const onRows = (of: (outputs: Float32Array, values: Float32Array) => number) => (rows: Uint32Array) =>
        of(takeRows(outputs, rows, width), takeRows(values, rows, width));
      return [
        metric(
          "macro-F1",
          onRows((found, wanted) => macroF1MultiLabel(found, wanted, width)),
        ),
        metric(
          "micro-F1",
          onRows((found, wanted) => microF1MultiLabel(found, wanted, width)),
        ),
        metric(
          "AUROC",
          onRows((found, wanted) => aurocMultiLabel(found, wanted, width)),
        ),
      ];
    }
    case "regress": {
      const values = numbersOf(split);
      const onRows = (of: (outputs: Float32Array, values: Float32Array) => number) => (rows: Uint32Array) =>
        of(takeRows(outputs, rows), takeRows(values, rows));
      return [
        metric("pearson", onRows(pearson)),
        metric("spearman", onRows(spearman)),
        metric("mean absolute error", onRows(meanAbsoluteError)),
      ];
    }
    case "tokens": {
      const tags = tagsByExample(split);
      const predicted = predictedTags(outputs, width);
      let end = 0;
      const found = tags.map(({ length }) => {
        end += length;
        return predicted.slice(end - length, end);
      });
      const right = Float64Array.from(tags, (list, row) => list.filter((tag, k) => tag === found[row]![k]).length);
      const sizes = Float64Array.from(tags, ({ length }) => length);
      const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
      const share = metric("token accuracy", (rows) => sum(takeRows(right, rows)) / sum(takeRows(sizes, rows)));
      if (!hasEntities(goal.classes)) return [share];
      const named = (lists: readonly (readonly number[])[]) =>
        lists.map((list) => list.map((tag) => goal.classes[tag]!));
      const counts = entityCounts(named(found), named(tags));
      const entity = (key: "f1" | "precision" | "recall") =>
        metric(`entity-${key === "f1" ? "F1" : key}`, (rows) => entityScore(takeRows(counts, rows, 3))[key]);
      return [entity("f1"), entity("precision"), entity("recall"), share];
    }
    case "pair_score": {
      const [cosines, scores] = [pairCosines(outputs, count), numbersOf(split)];
      const onRows = (of: typeof pearson) => (rows: Uint32Array) => of(takeRows(cosines, rows), takeRows(scores, rows));
      return [metric("spearman", onRows(spearman)), metric("pearson", onRows(pearson))];
    }
    case "triplet": {
      const ranks = retrievalRanks(outputs, split);
      const each = (of: (ranks: Float64Array, k: number) => number, k: number) =>
        ranks.map((rank) => of(Float64Array.of(rank), k));
      return [
        meanMetric("mrr@10", each(mrrAt, 10)),
        meanMetric("ndcg@10", each(ndcgAt, 10)),
        meanMetric("recall@1", each(recallAt, 1)),
        meanMetric("recall@10", each(recallAt, 10)),
      ];
    }
  }
}
