/**
 * A training's memory as planned from its graphs, against the peak of a process that does it: `npx tsx bench/memory.ts`.
 * Each row is a process of its own. A model's folder may be given for the text rows: `npx tsx bench/memory.ts DIR`.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { authorVit, openGraph } from "../src/backbone/index.ts";
import type { Method } from "../src/methods/index.ts";
import { openBackbone, select, type Task, train } from "../src/node.ts";
import { nodeRuntime } from "../src/runtime/index.node.ts";
import type { ImageSplit, TextSplit } from "../src/tasks/index.ts";
import { planMemory } from "../src/training/index.ts";

const VIT_B = { imageSize: 224, patchSize: 16, hiddenSize: 768, blocks: 12, heads: 12, mlpSize: 3072 };
const CLASSES = 10;

const openModel = (model: string) =>
  model === "vit-b" ? openGraph(authorVit(VIT_B, 1), nodeRuntime) : openBackbone(model);

/** Examples that cost nothing: a grey picture, or a text of one token over and over. */
function split(kind: "image" | "text", count: number, size: number): ImageSplit | TextSplit {
  const labels = Int32Array.from({ length: count }, (_, k) => k % CLASSES);
  const targets = { kind: "classes", labels } as const;
  if (kind === "image") {
    const pixels = new Uint8Array(3 * size * size).fill(128);
    return { kind, count, targets, pixels: () => pixels };
  }
  const encoding = { ids: new Int32Array(size).fill(100), typeIds: new Int32Array(size), truncated: false };
  return {
    kind,
    count,
    targets,
    encodings: () => [encoding],
    views: 1,
    isPair: false,
    length: () => size,
    padding: { padId: 0, padTypeId: 0, paddingSide: "right" },
  };
}

async function measure(model: string, place: string, batchSize: number, tokens: number, recompute: "on" | "off") {
  const backbone = await openModel(model);
  const { input } = backbone;
  const size = input.kind === "image" ? input.height : tokens;
  const validation = split(input.kind, batchSize, size);
  const classes = Array.from({ length: CLASSES }, (_, k) => String(k));
  const task: Task = {
    name: "grey",
    title: "nothing to learn",
    goal: { kind: "classify", classes },
    train: split(input.kind, 2 * batchSize, size),
    validation,
    test: validation,
    notes: [],
  };
  const options = { batchSize, epochs: 1, threads: 2, recompute };
  const method: Method =
    place === "full"
      ? { kind: "weights", which: "all" }
      : {
          kind: "adapters",
          placement: select(place, { states: backbone.states.length, defaultRank: 8 }).placement,
          adapter: {},
        };
  const begun = performance.now();
  const inUse = process.memoryUsage.rss();
  const plan = await planMemory(backbone, task, method, options, { inUse });
  const planSeconds = (performance.now() - begun) / 1000;
  let [cpuSeconds, before] = [0, process.cpuUsage()];
  await train(backbone, task, method, {
    options,
    // Of the last step: the one before it opens the session and warms up.
    onProgress: ({ phase }) => {
      if (phase !== "train") return;
      const { user, system } = process.cpuUsage(before);
      [cpuSeconds, before] = [(user + system) / 1e6, process.cpuUsage()];
    },
  });
  return { ...plan, planSeconds, cpuSeconds, measured: process.resourceUsage().maxRSS * 1024 };
}

const megabytes = (bytes: number) => Math.round(bytes / 1e6);

if (process.argv[2] === "measure") {
  const [model, place, batchSize, tokens, recompute] = process.argv.slice(3);
  console.log(
    JSON.stringify(await measure(model!, place!, Number(batchSize), Number(tokens), recompute === "on" ? "on" : "off")),
  );
} else {
  const rows = [
    ...["last:3", "all:parallel", "full"].map((place) => ["builtin:vit", place, "32", "0"]),
    ...(process.argv[2]
      ? ["last:3", "all:parallel", "full"].map((place) => [process.argv[2]!, place, "16", "128"])
      : []),
    ...(process.argv[2] ? [[process.argv[2], "all:parallel", "16", "128", "on"]] : []),
    ["vit-b", "all:parallel", "8", "0", "on"],
    ...["4", "8"].flatMap((batch) => ["last:3", "all:parallel"].map((place) => ["vit-b", place, batch, "0"])),
  ];
  console.log(
    "model | placement | batch | recompute | in use | weights | activations | optimizer | planned | measured | ratio | plan s | CPU s a step",
  );
  for (const row of rows) {
    const program = fileURLToPath(import.meta.url);
    const text = execFileSync(process.execPath, [...process.execArgv, program, "measure", ...row], {
      encoding: "utf8",
    });
    const { planSeconds, cpuSeconds, measured, ...plan } = JSON.parse(text) as Awaited<ReturnType<typeof measure>>;
    const { inUse, weights, activations, optimizer, peak } = plan;
    const figures = [inUse, weights, activations, optimizer, peak, measured].map(megabytes);
    console.log(
      [
        ...row.slice(0, 3),
        row[4] ?? "off",
        ...figures,
        (peak / measured).toFixed(2),
        planSeconds.toFixed(2),
        cpuSeconds.toFixed(2),
      ].join(" | "),
    );
  }
}
