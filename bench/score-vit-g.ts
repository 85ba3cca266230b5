/**
 * Scores of a model of ViT-g size (40 blocks, d 1408, 81 hidden states, 6,561 edges; random weights, 4 GB) in bounded memory:
 * `npx tsx bench/score-vit-g.ts [--stride 8] [--coarse] [--checkpoint FILE]` says how long all edges would take, by what those between 3
 * and 5 states took, then scores, and prints time and peak memory as a line of JSON. Stopped, the same command goes on from its
 * checkpoint. Two cores take two minutes with --coarse, and exactly half an hour (docs/experiments.md).
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { fileCheckpoint } from "../src/artifact/index.node.ts";
import { openBackbone, openTask, type ScoreOptions, scoreEdges } from "../src/node.ts";
import { chooserOf, select } from "../src/selection/index.ts";
import { randomEncoder } from "./random-encoder.ts";

const { values } = parseArgs({
  options: {
    width: { type: "string", default: "1408" },
    blocks: { type: "string", default: "40" },
    examples: { type: "string", default: "4" },
    stride: { type: "string", default: "1" },
    coarse: { type: "boolean", default: false },
    place: { type: "string", default: "gga:3" },
    threads: { type: "string" },
    checkpoint: { type: "string", default: ".cache/bench/vit-g-scores" },
    estimate: { type: "boolean", default: false },
  },
});
const [width, blocks, examples, stride] = [values.width, values.blocks, values.examples, values.stride].map(Number);
const begun = performance.now();
const sinceBegun = () => (performance.now() - begun) / 1000;
const note = (text: string) => console.error(`${sinceBegun().toFixed(0)} s: ${text}`);
const peakGiB = () => process.resourceUsage().maxRSS / 2 ** 20;

const folder = randomEncoder({ type: "vit", width: width!, blocks: blocks! });
const backbone = await openBackbone(folder);
const states = backbone.states.length;
note(`${backbone.name}: ${states} hidden states, ${states ** 2} edges`);
const task = await openTask("count", { trainSize: Math.max(40, 2 * examples!), backbone });
const common: ScoreOptions = {
  head: "random", // a fitted one takes the features of many pictures, which are not what is measured here
  examples,
  ...(values.threads !== undefined && { threads: Number(values.threads) }),
};

/** Pass and edges apart: of 9 edges, and of 25. */
const few = await scoreEdges(backbone, task, { ...common, stride: Math.floor((states - 1) / 2) });
const more = await scoreEdges(backbone, task, { ...common, stride: Math.floor((states - 1) / 4) });
const perEdge = Math.max(0, more.seconds - few.seconds) / (25 - 9); // of a small model the pass is all
const pass = Math.max(0, few.seconds - 9 * perEdge);
const scored = Math.ceil(states / stride!) ** 2;
// A block of gradients at once: 2 GiB (edge-gradients.ts), for each of which the probe is passed again.
const bytes = 4 * Math.ceil(states / stride!) * width! ** 2;
const passes = Math.ceil(Math.ceil(states / stride!) / Math.max(1, Math.floor(2 ** 31 / bytes)));
const estimate = passes * pass + scored * perEdge;
note(
  `a pass takes ${pass.toFixed(1)} s, an edge ${perEdge.toFixed(2)}: ${scored} exact edges in ${passes} passes ` +
    `about ${(estimate / 3600).toFixed(2)} h; ${peakGiB().toFixed(1)} GiB so far`,
);

if (!values.estimate) {
  mkdirSync(dirname(values.checkpoint), { recursive: true });
  const choose = chooserOf(values.place, { states });
  let last = 0;
  const scores = await scoreEdges(backbone, task, {
    ...common,
    stride,
    ...(values.coarse && { coarse: { choose } }),
    checkpoint: fileCheckpoint(values.checkpoint),
    onProgress({ phase, done, total, unit }) {
      if (sinceBegun() - last < 30 && done < total) return;
      last = sinceBegun();
      note(`${phase} ${done} of ${total} ${unit}, peak ${peakGiB().toFixed(1)} GiB`);
    },
  });
  const { edges } = select(values.place, { states, scores });
  const figures = { width, blocks, examples, stride, scored, exact: scores.coarse?.exact.length ?? scored };
  const measured = { pass, perEdge, estimate, seconds: scores.seconds, peakGiB: peakGiB() };
  console.log(JSON.stringify({ date: new Date().toISOString(), ...figures, ...measured, edges }));
}
process.exit(0);
