import { type Progress, type SentError, sentError } from "../base/index.ts";
import { type Job, localRuns, type MethodRun, type RunSettings } from "../comparison/index.ts";
import { type Scores, scoreEdges } from "../node.ts";
import type { DeviceChoice } from "../runtime/index.ts";
import { fitMemory } from "./memory.ts";
import { type DataArgs, openData, openModel } from "./open.ts";
import { peakMemory } from "./peak-memory.ts";
import { asGraftError } from "./report-error.ts";

/** One training, or the scoring of a seed's edges, to be done by a process of its own. */
export interface ChildCall {
  readonly model: { readonly model: string; readonly dtype?: string; readonly device?: DeviceChoice };
  readonly data: DataArgs;
  readonly settings: RunSettings;
  readonly work: { readonly seed: number; readonly job?: Job; readonly scores?: Scored };
}

/** Scores of a seed, and what they took of memory. */
export interface Scored {
  readonly scores: Scores;
  readonly peakMemoryBytes: number;
}

export type FromChild =
  | { readonly type: "progress"; readonly progress: Progress }
  | { readonly type: "note"; readonly text: string }
  /** `run` of a job, `scored` without one. */
  | { readonly type: "done"; readonly run?: MethodRun; readonly scored?: Scored }
  | { readonly type: "failed"; readonly error: SentError };

/** Do the one call that comes, answer, and end; end at once when the parent is gone. */
export function serveComparison(): void {
  process.on("SIGINT", () => {}); // the terminal sends it to the parent too, which ends this process
  process.on("disconnect", () => process.exit(1));
  process.once("message", async (call: ChildCall) => {
    const answer = await answerTo(call).catch(
      (thrown): FromChild => ({ type: "failed", error: sentError(asGraftError(thrown)) }),
    );
    process.send!(answer, () => process.exit(0));
  });
}

async function answerTo({ model, data, settings, work }: ChildCall): Promise<FromChild> {
  const onProgress = (progress: Progress) => void process.send!({ type: "progress", progress } satisfies FromChild);
  const note = (text: string) => void process.send!({ type: "note", text } satisfies FromChild);
  const { signal } = new AbortController();
  const context = { signal, onProgress, note };
  const backbone = await openModel(model, context);
  const openTask = (seed: number) => openData({ ...data, seed }, backbone, context);
  if (work.job === undefined) {
    const { seed } = work;
    const { threads, headL2 } = settings.options ?? {};
    const scores = await scoreEdges(backbone, await openTask(seed), { seed, threads, headL2, onProgress });
    return { type: "done", scored: { scores, peakMemoryBytes: peakMemory() } };
  }
  const { job, scores: scored } = work;
  const run = localRuns(backbone, openTask, {
    ...settings,
    scores: scored?.scores,
    memory: peakMemory,
    // What is decided stands in the run.
    fit: (task, method, options) =>
      fitMemory({ signal, note: () => {}, line: () => {} }, backbone, task, method, options),
    onProgress,
  });
  const { model: _, ...done } = await run(job);
  const peakMemoryBytes = Math.max(done.peakMemoryBytes ?? 0, scored?.peakMemoryBytes ?? 0);
  return { type: "done", run: { ...done, peakMemoryBytes } };
}
