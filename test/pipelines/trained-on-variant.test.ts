import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parsePlacement } from "../../src/adapters/index.ts";
import { writeModel } from "../../src/graph/index.node.ts";
import { type TunedSpec, tunedParameters } from "../../src/methods/index.ts";
import { openBackbone, openTrained, outputsOf, saveTrained } from "../../src/node.ts";
import { tinyPostNorm, tinyPreNorm, tinyTask } from "../support/tiny-backbone.ts";
import { trainedTensors } from "../support/tiny-runs.ts";

test("a model trained on one of several files of a folder is opened on that file again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "graft-node-"));
  try {
    await mkdir(join(folder, "model", "onnx"), { recursive: true });
    await writeModel((await tinyPreNorm()).graph, join(folder, "model", "onnx", "model.onnx"));
    await writeModel((await tinyPostNorm()).graph, join(folder, "model", "onnx", "model_quantized.onnx"));
    const backbone = await openBackbone(join(folder, "model"), { dtype: "q8", imageSize: 8 });
    expect(backbone.normPosition).toBe("post");
    const task = tinyTask();
    const placement = parsePlacement("1-2", { states: 5 });
    const spec: TunedSpec = { method: { kind: "adapters", placement, adapter: {} }, goal: task.goal };
    const model = { backbone, spec, tensors: trainedTensors(tunedParameters(backbone, spec), 5) };
    await saveTrained(model, join(folder, "out"));
    const opened = await openTrained(join(folder, "out"));
    expect(await outputsOf(opened, task.test, { threads: 1 })).toEqual(
      await outputsOf(model, task.test, { threads: 1 }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
