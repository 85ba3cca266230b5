import { autoSelector } from "./auto.ts";
import { diverseSelector } from "./diverse.ts";
import { greedySelector } from "./greedy.ts";
import { pruneSelector } from "./prune.ts";
import { raceSelector } from "./race.ts";
import type { TaskSelector } from "./task-selector.ts";

/** Every selector that works on the model and the task, under its name: `--place` knows them beside `selectors`. */
export const taskSelectors = {
  diverse: diverseSelector,
  greedy: greedySelector,
  race: raceSelector,
  prune: pruneSelector,
  auto: autoSelector,
} satisfies Record<string, TaskSelector>;

export type TaskSelectorName = keyof typeof taskSelectors;
