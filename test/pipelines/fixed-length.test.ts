import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeModel } from "../../src/graph/index.node.ts";
import { type Backbone, openBackbone, openTask, scoreEdges, type Task, train } from "../../src/node.ts";
import { tinyBert, tinyBertFiles, tinyText } from "../support/tiny-text.ts";

/** A file whose texts all have 8 tokens, less than some of the data have. */
const LENGTH = 8;

let folder: string;
let backbone: Backbone;
let task: Task;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-fixed-"));
  const { "model.safetensors": _, ...files } = tinyBertFiles();
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const { graph } = await tinyBert();
  const types = new Map(graph.types);
  for (const input of graph.inputs) types.set(input, { ...types.get(input)!, shape: ["batch", LENGTH] });
  await writeModel({ ...graph, types }, join(folder, "model.onnx"));
  const rows = Array.from({ length: 40 }, (_, k) => {
    const tokens = tinyText(k).split(" ");
    return JSON.stringify({ tokens, tags: tokens.map((word) => (word.length > 4 ? "B-LONG" : "O")) });
  });
  await writeFile(join(folder, "rows.jsonl"), rows.join("\n"));
  backbone = await openBackbone(folder);
  task = await openTask(join(folder, "rows.jsonl"), { backbone });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("texts are cut to the length a model's file fixes", async () => {
  expect(backbone.input).toMatchObject({ fixedLength: LENGTH });
  expect(backbone.tokenizer?.maxLength).toBe(LENGTH);
  expect(task.notes.join()).toContain(`longer than the model's ${LENGTH} tokens`);
});

test("tags are scored and trained at that length", async () => {
  const { matrix } = await scoreEdges(backbone, task, { examples: 8, threads: 1 });
  expect(matrix.flat().some((rank) => rank > 0)).toBe(true);
  const placement = [{ from: 1, to: 2, rank: 2 }];
  const { history } = await train(backbone, task, placement, { options: { epochs: 3, batchSize: 8, threads: 1 } });
  expect(history.at(-1)!.trainLoss).toBeLessThan(history[0]!.trainLoss);
});
