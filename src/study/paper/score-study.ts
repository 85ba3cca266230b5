import type { Backbone } from "../../backbone/index.ts";
import type { LongCall } from "../../base/index.ts";
import { type ScoreName, scoreEdgesBy, scoreNames } from "../../scoring/index.ts";
import type { Task } from "../../tasks/index.ts";
import type { PaperStudy } from "./analyse.ts";
import type { ScoredEdges } from "./scores.ts";

export interface ScoreStudyOptions extends LongCall {
  /** A task as the study's trainings have it. */
  readonly openTask: (task: string, seed: number) => Promise<Task>;
  /** Called with all scores of a task and a seed, before the next begins. */
  readonly onScored: (scored: readonly ScoredEdges[]) => Promise<void>;
  /** Threads of the runtime. */
  readonly threads?: number;
}

/** Score the edges of a study, before any training, on each task and seed that has not been yet: every score there is, on one probe. */
export async function scoreStudy(
  backbone: Backbone,
  { settings, scored = [] }: Pick<PaperStudy, "settings" | "scored">,
  { openTask, onScored, ...call }: ScoreStudyOptions,
): Promise<void> {
  const { stride = 1 } = settings.space;
  const states = backbone.states.map((_, k) => k).filter((k) => k % stride === 0);
  for (const name of settings.tasks)
    for (let seed = 0; seed < settings.seeds; seed++) {
      const isKnown = (score: ScoreName) =>
        scored.some((each) => each.task === name && each.seed === seed && each.score === score);
      const missing = scoreNames.filter((score) => !isKnown(score));
      if (missing.length === 0) continue;
      const found = await scoreEdgesBy(backbone, await openTask(name, seed), missing, { ...call, seed });
      const rows = [...found].map(([score, { matrix, examples }]): ScoredEdges => {
        const cells = states.map((from) => states.map((to) => Number(matrix[from]![to]!.toPrecision(6))));
        return { task: name, seed, score, ...(examples !== undefined && { examples }), states, matrix: cells };
      });
      await onScored(rows);
    }
}
