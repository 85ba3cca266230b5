/**
 * What a ranking of edges owes to the probe, its size and the head behind which gradients are taken:
 * `npx tsx bench/score-heads.ts [--tasks location,texture,orientation,family] [--score srank] [--model builtin:vit]` prints the tables of
 * docs/experiments.md. A row is a head and a number of examples: the reliability that halves of the probe give, Spearman's ρ with the ranking
 * of a probe drawn anew (and with it a random head), with that of the largest probe behind the same head, and with that behind the fitted
 * head, and how many of the best ten edges are among those; and the edges that GGA takes. Smaller probes are the first examples of larger
 * ones. Then the same between tasks, of the largest probes behind fitted heads.
 */
import { parseArgs } from "node:util";
import { pearson } from "../src/base/index.ts";
import { openBackbone, openTask, type ScoreName, type ScoreOptions, type Scores, scoreEdges } from "../src/node.ts";
import { compareScores } from "../src/scoring/index.ts";
import { standings } from "../src/scoring/ranking.ts";
import { select } from "../src/selection/index.ts";

const { values } = parseArgs({
  options: {
    tasks: { type: "string", default: "location,texture,orientation,family" },
    model: { type: "string", default: "builtin:vit" },
    score: { type: "string", default: "srank" },
    sizes: { type: "string", default: "48,96,192" },
    place: { type: "string", default: "gga:3" },
  },
});
const heads = ["fitted", "zero", "random"] as const;
const sizes = values.sizes.split(",").map(Number);
const most = Math.max(...sizes);
const score = values.score as ScoreName;
const backbone = await openBackbone(values.model);

/** Spearman's ρ, ties of the score broken as a selector breaks them. */
const rho = (a: Scores, b: Scores) => pearson(standings(a), standings(b)).toFixed(2);
/** Of the best ten edges of each how many are in both; equal scores count as a draw would share them out. */
const shared = (a: Scores, b: Scores) =>
  compareScores(a, b, { permutations: 1 })
    .top.find(({ count }) => count === 10)!
    .shared.toFixed(1);
const edgesOf = (scores: Scores) =>
  select(values.place, { states: backbone.states.length, scores })
    .edges.map(({ from, to }) => `${from}→${to}`)
    .join(", ");

const columns = [
  "task",
  "head",
  "examples",
  "reliability",
  "another probe",
  `same head, ${most}`,
  `fitted, ${most}`,
  "of its best ten",
];
const fitted = new Map<string, Scores>();
console.log(`| ${[...columns, values.place].join(" | ")} |`);
console.log("|---|---|--:|--:|--:|--:|--:|--:|---|");
const begun = performance.now();
for (const name of values.tasks.split(",")) {
  const task = await openTask(name, { backbone });
  const run = (options: ScoreOptions) => scoreEdges(backbone, task, { score, ...options });
  const found = new Map<string, Scores>();
  for (const head of heads)
    for (const examples of sizes)
      found.set(`${head} ${examples}`, await run({ seed: 0, head, examples, confidence: true }));
  const reference = found.get(`fitted ${most}`)!;
  fitted.set(name, reference);
  for (const head of heads)
    for (const examples of sizes) {
      const scores = found.get(`${head} ${examples}`)!;
      const another = await run({ seed: 1, head, examples });
      const same = found.get(`${head} ${most}`)!;
      const cells = [
        ...[name, head, examples, scores.confidence!.reliability.toFixed(2), rho(scores, another)],
        examples === most ? "" : rho(scores, same),
        ...(scores === reference ? ["", ""] : [rho(scores, reference), shared(scores, reference)]),
        edgesOf(scores),
      ];
      console.log(`| ${cells.join(" | ")} |`);
    }
}
console.log(`\n| ρ, of the best ten | ${[...fitted.keys()].join(" | ")} |`);
console.log(`|---|${"--:|".repeat(fitted.size)}`);
for (const [name, scores] of fitted) {
  const cells = [...fitted].map(([other, others]) =>
    other === name ? "" : `${rho(scores, others)}, ${shared(scores, others)}`,
  );
  console.log(`| ${name} | ${cells.join(" | ")} |`);
}
console.error(`${((performance.now() - begun) / 1000).toFixed(0)} s`);
process.exit(0);
