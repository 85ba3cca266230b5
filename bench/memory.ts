/**
 * A training's memory as planned from its graphs, against the peak of a process that does it: `npx tsx bench/memory.ts`.
 * Each row is a process of its own. A model's folder may be given for the text rows: `npx tsx bench/memory.ts DIR`.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { memoryNow } from "../src/cli/memory.ts";
import type { Method } from "../src/methods/index.ts";
import { folderCheckpoint, openBackbone, select, train } from "../src/node.ts";
import { planMemory } from "../src/training/index.ts";
import { greyTask } from "./grey-task.ts";
import { randomEncoder } from "./random-encoder.ts";

const openModel = (model: string) =>
  openBackbone(model === "vit-b" ? randomEncoder({ type: "vit", width: 768, blocks: 12 }) : model);

/** What a row is about besides: frozen values kept over two epochs, or texts of two lengths. */
type Variant = "plain" | "kept" | "lengths";

async function measure(
  model: string,
  place: string,
  batchSize: number,
  tokens: number,
  recompute: "on" | "off",
  variant: Variant,
) {
  const backbone = await openModel(model);
  const examples = { train: (variant === "plain" ? 2 : 8) * batchSize, validation: batchSize };
  const task = greyTask(backbone.input, { ...examples, tokens, lengths: variant === "lengths" });
  const options = { batchSize, epochs: variant === "kept" ? 2 : 1, threads: 2, recompute };
  const method: Method =
    place === "full"
      ? { kind: "weights", which: "all" }
      : {
          kind: "adapters",
          placement: select(place, { states: backbone.states.length, defaultRank: 8 }).placement,
          adapter: {},
        };
  const begun = performance.now();
  const { inUse } = memoryNow(backbone);
  const plan = await planMemory(backbone, task, method, options, { inUse });
  const planSeconds = (performance.now() - begun) / 1000;
  let [cpuSeconds, before] = [0, process.cpuUsage()];
  const folder = mkdtempSync(join(tmpdir(), "graft-memory-"));
  await train(backbone, task, method, {
    options,
    // As a command's run: it is written after each epoch, from a copy of parameters and moments.
    checkpoint: folderCheckpoint(folder),
    // Of the last step: the one before it opens the session and warms up.
    onProgress: ({ phase }) => {
      if (phase !== "train") return;
      const { user, system } = process.cpuUsage(before);
      [cpuSeconds, before] = [(user + system) / 1e6, process.cpuUsage()];
    },
  });
  rmSync(folder, { recursive: true });
  return { ...plan, planSeconds, cpuSeconds, measured: process.resourceUsage().maxRSS * 1024 };
}

const megabytes = (bytes: number) => Math.round(bytes / 1e6);

if (process.argv[2] === "measure") {
  const [model, place, batchSize, tokens, recompute, variant] = process.argv.slice(3) as string[];
  const mode = recompute === "on" ? "on" : "off";
  const done = await measure(model!, place!, Number(batchSize), Number(tokens), mode, variant as Variant);
  console.log(JSON.stringify(done));
} else {
  const [, , dir] = process.argv;
  const [late, early, all] = ["last:3", "all:parallel", "full"];
  const texts = (place: string, recompute = "off", variant: Variant = "plain") =>
    dir === undefined ? [] : [[dir, place, "16", "128", recompute, variant]];
  const pictures = (place: string, batch: string, recompute = "off", variant: Variant = "plain") => [
    ["vit-b", place, batch, "0", recompute, variant],
  ];
  const rows = [
    ...[late, early, all].map((place) => ["builtin:vit", place!, "32", "0", "off", "plain"]),
    ...[late, early, all].flatMap((place) => texts(place!)),
    ...texts(early!, "on"),
    ...texts(late!, "off", "kept"),
    ...texts(early!, "off", "lengths"),
    ...pictures(early!, "8", "on"),
    ...["4", "8"].flatMap((batch) => [late, early].flatMap((place) => pictures(place!, batch))),
    ...pictures(late!, "4", "off", "kept"),
    ...pictures(all!, "4"),
  ];
  console.log(
    "model | placement | batch | recompute | about | in use | weights | activations | optimizer | kept | planned | measured | ratio | plan s | CPU s a step",
  );
  for (const row of rows) {
    const program = fileURLToPath(import.meta.url);
    const text = execFileSync(process.execPath, [...process.execArgv, program, "measure", ...row], {
      encoding: "utf8",
    });
    const { planSeconds, cpuSeconds, measured, ...plan } = JSON.parse(text) as Awaited<ReturnType<typeof measure>>;
    const { inUse, weights, activations, optimizer, cache } = plan;
    // Kept values are so few here that they lie in memory.
    const planned = plan.peak + cache;
    const figures = [inUse, weights, activations, optimizer, cache, planned, measured].map(megabytes);
    console.log(
      [
        ...row.slice(0, 3),
        ...row.slice(4),
        ...figures,
        (planned / measured).toFixed(2),
        planSeconds.toFixed(2),
        cpuSeconds.toFixed(2),
      ].join(" | "),
    );
  }
}
