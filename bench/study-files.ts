import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeSafetensors } from "../src/formats/index.ts";
import type { Tensor } from "../src/graph/index.ts";
import { openBackbone, openTask } from "../src/node.ts";
import { CHOOSING } from "../src/study/run-one.ts";
import { labelsOf, type Split } from "../src/tasks/index.ts";
import { fitTaskHead, TrainOptions } from "../src/training/index.ts";

export interface StudyData {
  readonly task: string;
  readonly trainSize: number;
  readonly measureSize: number;
}

/**
 * What bench/peers/step/study.py needs to train as we do: the embedded model's weights, the head that training starts from,
 * the pictures. Returns the folder.
 */
export async function writeStudyFiles({ task: name, trainSize, measureSize }: StudyData): Promise<string> {
  const folder = join(".cache/bench", `study-${name}-${trainSize}-${measureSize}`);
  mkdirSync(folder, { recursive: true });
  const backbone = await openBackbone();
  const weights = new Map<string, Tensor>();
  for (const [key, tensor] of backbone.graph.initializers)
    if (tensor.dtype === "float32" && !key.startsWith("graft/")) weights.set(key, tensor);
  writeFileSync(join(folder, "weights.safetensors"), encodeSafetensors(weights));

  const task = await openTask(name, { seed: 0, trainSize, validationSize: CHOOSING + measureSize });
  const head = await fitTaskHead(backbone, task, TrainOptions.parse({ threads: 1 }));
  writeFileSync(join(folder, "head.safetensors"), encodeSafetensors(head));
  const { train, validation } = task;
  writeSplit(folder, "train", train, 0, train.count);
  writeSplit(folder, "validation", validation, 0, CHOOSING);
  writeSplit(folder, "measuring", validation, CHOOSING, validation.count);
  return folder;
}

function writeSplit(folder: string, name: string, split: Split, from: number, to: number): void {
  if (split.kind !== "image") throw new Error(`${name}: no pictures`);
  const indices = Array.from({ length: to - from }, (_, k) => from + k);
  writeFileSync(join(folder, `${name}.pixels`), Buffer.concat(indices.map((index) => split.pixels(index))));
  writeFileSync(join(folder, `${name}.labels`), new Uint8Array(labelsOf(split).slice(from, to).buffer));
}
