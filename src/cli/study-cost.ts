import { availableParallelism } from "node:os";
import type { NewStudy } from "../study/index.ts";

/** Hours on this machine, each training on a core of its own. */
export function hoursOf({ trainings, secondsEach, record }: NewStudy): number | undefined {
  if (trainings === undefined) return record.settings.hours;
  return (trainings * secondsEach) / 3600 / (record.settings.workers ?? availableParallelism());
}

/** What a new study will take, in words. */
export function describeCost(study: NewStudy): string {
  const { trainings, secondsEach } = study;
  const hours = hoursOf(study);
  const each = `some ${secondsEach.toFixed(0)} s each`;
  if (trainings === undefined) return `trainings of ${each}, until ${hours} hours are over`;
  return `${trainings.toLocaleString("en")} trainings, ${each}: about ${hours!.toFixed(1)} hours on this machine`;
}
