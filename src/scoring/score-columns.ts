import type { Backbone } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";
import type { Task } from "../tasks/index.ts";
import { groupSizes, halvesOf } from "./confidence.ts";
import { type EdgeColumn, edgeColumns, gradientsOf } from "./edge-gradients.ts";
import { judge, type Wanted } from "./judge.ts";
import { openProbe, type Probe, rankCap } from "./probe.ts";
import { openScoreTools } from "./score-tools.ts";
import type { ColumnBoard, ColumnSettings, ScoredColumn } from "./scored-column.ts";
import { openScoresCheckpoint } from "./scores-checkpoint.ts";
import { strided } from "./stride.ts";

/** All columns by scores that are made of gradients; those that a checkpoint holds are not made again. */
export async function scoreColumns(whole: Backbone, task: Task, wanted: readonly Wanted[], settings: ColumnSettings) {
  const { threads, signal, onProgress, eta, seed, stride, groups: groupCount } = settings;
  if (settings.after) checkAfter(wanted);
  const backbone = strided(whole, stride);
  const { hiddenSize: d } = backbone;
  const n = backbone.states.length;
  const checkpoint = await openScoresCheckpoint(whole, task, wanted, settings);
  const probe = await openKeptProbe(whole, task, settings, checkpoint.head);
  const { indices, head, headName } = probe;
  const sizes = groupCount > 0 ? groupSizes(indices.length, groupCount) : [indices.length];
  const all = sizes.map((_, group) => group);
  // Of the whole, then of each half.
  const boards = [all, ...(groupCount > 0 ? halvesOf(groupCount) : [])];
  const tools = await openScoreTools(backbone, wanted, sizes, { threads, eta, seed });
  try {
    const visit = async (column: EdgeColumn) => {
      const to = stride * column.to;
      const capOf = (tokens: number) => rankCap(backbone, task.goal, column.to, tokens);
      const made: ColumnBoard[] = [];
      for (const groups of boards) {
        const picked = groups.map((group) => column.groups[group]!);
        const part = groups === all ? column : gradientsOf(picked, d);
        const evidence = await tools.evidenceOf(part, column.to, groups, capOf(part.activeTokens));
        const placeOf = (from: number) => `edge (${stride * from}, ${to})`;
        const { values, entropy } = judge(evidence, wanted, { eta, seed }, placeOf);
        made.push({ values: Object.fromEntries(values), entropy });
        const done = (checkpoint.columns.size * boards.length + made.length) * n;
        if (tools.findsSpectra) onProgress?.({ phase: "ranks", done, total: boards.length * n * n, unit: "edges" });
      }
      const scored: ScoredColumn = { to, cap: capOf(column.activeTokens), boards: made };
      await checkpoint.add(scored, probe);
    };
    await edgeColumns(backbone, task, indices, head, visit, {
      threads,
      after: settings.after,
      signal,
      onProgress,
      groups: sizes,
      isDone: (state) => checkpoint.columns.has(stride * state),
      products: tools.needsGradients,
      onFactors: tools.add,
    });
  } finally {
    await tools.close();
  }
  return { columns: [...checkpoint.columns.values()], examples: indices.length, head: headName };
}

/** The probe behind the head that a checkpoint kept, if it did. */
export async function openKeptProbe(
  backbone: Backbone,
  task: Task,
  settings: ColumnSettings,
  kept: ColumnSettings["head"],
): Promise<Probe> {
  const { head: asked = "fitted" } = settings;
  if (kept === undefined) return openProbe(backbone, task, settings);
  const probe = await openProbe(backbone, task, { ...settings, head: kept });
  return typeof asked === "string" ? { ...probe, headName: asked } : probe;
}

/** Factors are those of the plain backbone: with adapters in place recurrent edges read other states than the rest. */
function checkAfter(wanted: readonly Wanted[]): void {
  const unsuited = wanted.find(({ score }) => "ofFactors" in score || ("ofGradient" in score && score.whitened));
  if (unsuited === undefined) return;
  throw new GraftError("SCORE_UNSUITED", {
    thing: `the score ${unsuited.name} behind trained adapters`,
    place: "it is made of states and cotangents, which are kept for the plain backbone alone",
    remedy: "Take a score of the gradient, such as srank or frobenius",
  });
}
