/**
 * Share of an epoch's wall time that a training spends outside `session.run`: making batches, the update, the loop, progress.
 * `npx tsx bench/loop-inputs.ts [DIR OF A TEXT MODEL]`
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { authorVit, openGraph } from "../src/backbone/index.ts";
import { random } from "../src/base/index.ts";
import { type Backbone, openBackbone, openTask, select, type Task, train } from "../src/node.ts";
import { nodeRuntime } from "../src/runtime/index.node.ts";

/** Wall time of the second epoch's steps, and how much of it sessions ran. */
async function overhead(backbone: Backbone, task: Task, place: string, batchSize: number) {
  let running = 0;
  const timed: Backbone = {
    ...backbone,
    runtime: {
      ...backbone.runtime,
      async open(graph, options) {
        const session = await backbone.runtime.open(graph, options);
        return {
          ...session,
          async run(feeds, fetches) {
            const begun = performance.now();
            const results = await session.run(feeds, fetches);
            running += performance.now() - begun;
            return results;
          },
        };
      },
    },
  };
  const { placement } = select(place, { states: backbone.states.length, defaultRank: 8 });
  const marks: { at: number; running: number }[] = [];
  await train(timed, task, placement, {
    options: { batchSize, epochs: 2 },
    onProgress: ({ phase }) => phase === "train" && marks.push({ at: performance.now(), running }),
  });
  const [first, last, steps] = [marks[marks.length / 2]!, marks.at(-1)!, marks.length / 2 - 1];
  const wall = last.at - first.at;
  return { steps, ms: wall / steps, overhead: 1 - (last.running - first.running) / wall };
}

async function jpegFolder(count: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "graft-bench-"));
  for (const name of ["a", "b"]) {
    mkdirSync(join(folder, "train", name), { recursive: true });
    for (let k = 0; k < count / 2; k++) {
      const draw = random(k);
      const pixels = Uint8Array.from({ length: 3 * 300 * 260 }, () => draw.int(256));
      const jpeg = sharp(pixels, { raw: { width: 300, height: 260, channels: 3 } }).jpeg();
      await jpeg.toFile(join(folder, "train", name, `${k}.jpg`));
    }
  }
  return folder;
}

function textFile(rows: number): string {
  const folder = mkdtempSync(join(tmpdir(), "graft-bench-"));
  const draw = random(1);
  const lines = Array.from({ length: rows }, (_, k) => {
    const words = Array.from(
      { length: 20 + draw.int(60) },
      () => ["red", "blue", "house", "river", "seven"][draw.int(5)],
    );
    return `${words.join(" ")} ${k},${k % 2 ? "odd" : "even"}`;
  });
  writeFileSync(join(folder, "rows.csv"), `text,label\n${lines.join("\n")}\n`);
  return folder;
}

const show = (name: string, { steps, ms, overhead: share }: Awaited<ReturnType<typeof overhead>>) =>
  console.log(`${name}: ${steps} steps of ${ms.toFixed(1)} ms, ${(100 * share).toFixed(1)} % outside session.run`);

const small = await openBackbone();
const count = await openTask("count", { backbone: small, trainSize: 1024, validationSize: 100, testSize: 100 });
for (const place of ["last:1", "all:parallel"])
  show(`builtin:vit, count, ${place}, batch 32`, await overhead(small, count, place, 32));

const folder = await jpegFolder(160);
const vit = await openGraph(
  authorVit({ imageSize: 224, patchSize: 16, hiddenSize: 192, blocks: 12, heads: 3, mlpSize: 768 }, 1),
  nodeRuntime,
);
const pictures = await openTask(folder, { backbone: vit });
show("ViT-Ti/16 size, JPEG folder, last:1, batch 16", await overhead(vit, pictures, "last:1", 16));
rmSync(folder, { recursive: true });

const [, , dir] = process.argv;
if (dir) {
  const texts = textFile(600);
  const model = await openBackbone(dir);
  const task = await openTask(join(texts, "rows.csv"), { backbone: model });
  show("texts, last:1, batch 16", await overhead(model, task, "last:1", 16));
  rmSync(texts, { recursive: true });
}
