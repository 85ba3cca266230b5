import type { Backbone } from "../backbone/index.ts";
import { GraftError } from "../base/index.ts";
import { hashTask, type Task } from "../tasks/index.ts";

/** @throws GraftError BACKBONE_DIFFERS where it is not the one that a study was made with */
export function checkBackbone({ hash }: Backbone, model: string, expected: string): void {
  if (hash !== expected) throw differs("BACKBONE_DIFFERS", `model ${model}`, hash, expected);
}

/** @throws GraftError DATA_DIFFERS where they are not the ones that a study was made with */
export async function checkData(task: Task, name: string, expected: string | undefined): Promise<void> {
  const hash = await hashTask(task);
  if (hash !== expected) throw differs("DATA_DIFFERS", `data ${name}`, hash, expected ?? "none");
}

const differs = (code: string, thing: string, found: string, expected: string): GraftError =>
  new GraftError(code, {
    thing,
    place: `it is not what the study was made with: here ${found.slice(0, 12)}, there ${expected.slice(0, 12)}`,
    remedy: "Bring the same files to this machine, or make a study of these",
  });
