import { availableParallelism } from "node:os";
import { roughDuration } from "../base/index.ts";
import type { NewStudy } from "../study/index.ts";

/** Hours on this machine, each training on a core of its own. */
export function hoursOf({ trainings, secondsEach, record }: NewStudy): number | undefined {
  if (trainings === undefined) return record.settings.hours;
  const atOnce = Math.min(record.settings.workers ?? availableParallelism(), trainings);
  return (trainings * secondsEach) / 3600 / atOnce;
}

/** What a new study will take, in words. */
export function describeCost(study: NewStudy): string {
  const { trainings, secondsEach } = study;
  const hours = hoursOf(study);
  const each = `some ${roughDuration(secondsEach)} each`;
  if (trainings === undefined) return `trainings of ${each}, until ${hours} hours are over`;
  return `${trainings.toLocaleString("en")} trainings, ${each}: about ${roughDuration(hours! * 3600)} on this machine`;
}
