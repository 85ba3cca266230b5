/**
 * Steps of trainings at several numbers of threads, in turns: medians of each round's steps, and whether what was trained
 * has the same bits. `npx tsx bench/threads.ts [--threads 1,2] [--rounds 5] [--model DIR OF A TEXT MODEL --data FILE]`
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { median } from "../src/base/index.ts";
import { type Backbone, openBackbone, openTask, select, type Task, type TrainSettings, train } from "../src/node.ts";

const { values } = parseArgs({
  options: {
    threads: { type: "string", default: "1,2" },
    rounds: { type: "string", default: "5" },
    model: { type: "string" },
    data: { type: "string" },
  },
});
const counts = values.threads.split(",").map(Number);

/** Median milliseconds of a step, the first two left out, and what was trained. */
async function steps(backbone: Backbone, task: Task, place: string, options: TrainSettings) {
  const { placement } = select(place, { states: backbone.states.length, defaultRank: 8 });
  const times: number[] = [];
  const { tensors } = await train(backbone, task, placement, {
    options,
    onProgress: ({ phase }) => phase === "train" && times.push(performance.now()),
  });
  const intervals = times.slice(2).map((time, k) => time - times[k + 1]!);
  return { ms: median(intervals), bits: Buffer.concat([...tensors.values()].map(({ bytes }) => bytes)) };
}

async function compare(name: string, backbone: Backbone, task: Task, place: string, options: TrainSettings) {
  const found: Record<number, number[]> = Object.fromEntries(counts.map((count) => [count, []]));
  let first: Buffer | undefined;
  let same = true;
  for (let round = 0; round < Number(values.rounds); round++)
    for (const threads of round % 2 ? counts.toReversed() : counts) {
      const { ms, bits } = await steps(backbone, task, place, { ...options, threads });
      first ??= bits;
      same &&= first.equals(bits);
      found[threads]!.push(ms);
    }
  const columns = counts.map((count) => {
    const all = found[count]!;
    return `${count}: ${median(all).toFixed(2)} ms (least ${Math.min(...all).toFixed(2)})`;
  });
  console.log(`${name}: ${columns.join(", ")}; bits ${same ? "equal" : "DIFFER"}`);
}

console.log(`${cpus().length} × ${cpus()[0]?.model}`);
const vit = await openBackbone();
const count = await openTask("count", { backbone: vit, trainSize: 320, validationSize: 32, testSize: 32 });
await compare("builtin:vit, head alone, kept", vit, count, "none", { epochs: 4, augment: false });
await compare("builtin:vit, 1 late adapter, kept", vit, count, "last:1", { epochs: 4, augment: false });
await compare("builtin:vit, 1 late adapter", vit, count, "last:1", { epochs: 2 });
await compare("builtin:vit, 24 adapters", vit, count, "all:parallel", { epochs: 2 });
if (values.model && values.data) {
  const model = await openBackbone(values.model);
  const texts = await openTask(values.data, { backbone: model });
  await compare("texts, 1 late adapter, kept", model, texts, "last:1", { epochs: 8, batchSize: 16 });
  await compare("texts, all adapters", model, texts, "all:parallel", { epochs: 1, batchSize: 16 });
}
