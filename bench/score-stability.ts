/**
 * How far rankings of edges can be trusted: `npx tsx bench/score-stability.ts [--tasks count,orientation] [--model builtin:vit]`
 * prints a table of each task. Of each score, on one probe: the reliability that halves give, the correlation
 * (Spearman's) with the rankings of a probe drawn anew, of smaller and larger probes, and behind other heads; edges that tie;
 * and how long it takes alone, with and without confidence.
 */
import { parseArgs } from "node:util";
import { pearson } from "../src/base/index.ts";
import { openBackbone, openTask, type ScoreName, type ScoreOptions, type Scores, scoreEdgesBy } from "../src/node.ts";
import { scoreNames } from "../src/scoring/index.ts";
import { standings } from "../src/scoring/ranking.ts";

const { values } = parseArgs({
  options: {
    tasks: { type: "string", default: "count,orientation,texture" },
    model: { type: "string", default: "builtin:vit" },
    scores: { type: "string", default: scoreNames.filter((name) => name !== "random" && name !== "parameters").join() },
    seconds: { type: "boolean", default: true },
  },
});

const names = values.scores.split(",") as ScoreName[];
const backbone = await openBackbone(values.model);
const d = backbone.hiddenSize;

for (const name of values.tasks.split(",")) {
  const task = await openTask(name);
  const score = (options: Omit<ScoreOptions, "score">) => scoreEdgesBy(backbone, task, names, { seed: 0, ...options });
  const whole = await score({ confidence: true });
  const others: Record<string, ReadonlyMap<ScoreName, Scores>> = {
    "another probe": await score({ seed: 1 }),
    [`${d / 2}`]: await score({ examples: d / 2 }),
    [`${8 * d}`]: await score({ examples: 8 * d }),
    random: await score({ head: "random" }),
    zero: await score({ head: "zero" }),
  };
  const rows = names.map((one) => {
    const { confidence, ties } = whole.get(one)!;
    const agree = Object.values(others).map((other) =>
      pearson(standings(whole.get(one)!), standings(other.get(one)!)).toFixed(2),
    );
    const rivals = confidence?.unsure.map(({ rivals }) => rivals.length).join("/") ?? "";
    return [one, confidence?.reliability.toFixed(3) ?? "", ...agree, `${ties!.shared}/${ties!.drawn}`, rivals];
  });
  const columns = ["score", "reliability", ...Object.keys(others), "ties", "rivals"];
  console.log(`\n## ${name}, ${whole.get(names[0]!)!.examples ?? ""} examples\n`);
  for (const row of [columns, columns.map(() => "---"), ...rows]) console.log(`| ${row.join(" | ")} |`);
}

if (values.seconds) {
  const task = await openTask(values.tasks.split(",")[0]!);
  console.log("\n| score | seconds | with confidence |\n|---|---|---|");
  for (const name of names) {
    const took = [];
    for (const confidence of [false, true])
      took.push(
        (await scoreEdgesBy(backbone, task, [name], { confidence, head: "random" })).get(name)!.seconds.toFixed(1),
      );
    console.log(`| ${name} | ${took.join(" | ")} |`);
  }
  const { seconds } = (await scoreEdgesBy(backbone, task, names, { head: "random" })).get(names[0]!)!;
  console.log(`| all | ${seconds.toFixed(1)} | |`);
}
