/**
 * Write docs/operators.md: which operators a gradient can pass and which models can be raised, from the tables in the
 * source. `tsx scripts/operator-table.ts`; with `--check` it only says whether the page is current.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { rules } from "../src/autodiff/index.ts";
import { upgradeSteps } from "../src/graph/upgrade-steps.ts";
import { FLOAT32_ONLY, ruleCases } from "../test/support/rule-cases.ts";

const page = new URL("../docs/operators.md", import.meta.url);
const ruleFiles = new URL("../src/autodiff/rules/", import.meta.url);

/** The page as it should be. */
export function operatorTable(): string {
  const formulas = formulasIn(ruleFiles);
  const names = Object.keys(rules).sort() as (keyof typeof rules)[];
  const gradientRows = names.map((op) => {
    const [from, to] = rules[op].opset;
    const types = FLOAT32_ONLY.has(op) ? "float32" : "float64, float32";
    return `| ${op} | ${from}–${to} | ${formulas.get(op) ?? ""} | ${ruleCases[op].length} × ${types} |`;
  });
  const upgradeRows = Object.entries(upgradeSteps).map(
    ([op, steps]) => `| ${op} | ${steps.map(({ at }) => at).join(", ")} |`,
  );
  return `# Operators

<!-- Made by scripts/operator-table.ts from the tables in the source; \`npx tsx scripts/operator-table.ts\` makes it again. -->

## Gradients

graft runs any operator ONNX Runtime runs. The ${names.length} below are those a gradient can pass, so they may stand between an
adapter and the loss; anything else there is an error that names the operator and the node. Operators with whole numbers or
truth values as results (Shape, ArgMax, Equal …) end a path and need no rule.

*Checked* counts the calls whose gradients are compared with central differences, in which types of number. Besides, gradients
at all hidden states of the encoders in \`test/fixtures/encoders\` are compared with PyTorch's.

| operator | opsets | gradient (dx: cotangent of x) | checked |
|---|---|---|---|
${gradientRows.join("\n")}

## Older models

Models of opset 7 to 19 are raised to opset 20 when opened. Operators whose definition changed in between, and the opsets that
changed it (all others mean the same throughout); each is tested to give the same bits before and after.

| operator | changed in opset |
|---|---|
${upgradeRows.join("\n")}
`;
}

/** Whether docs/operators.md says what the source says. */
export function operatorTableIsCurrent(): boolean {
  try {
    return readFileSync(page, "utf8") === operatorTable();
  } catch {
    return false; // no page yet
  }
}

/** The first paragraph of the comment above each rule, on one line. */
function formulasIn(folder: URL): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(folder).sort()) {
    const source = readFileSync(new URL(file, folder), "utf8");
    for (const [, comment, op] of source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export const (\w+)/g)) {
      const lines = comment!.split("\n").map((line) => line.replace(/^\s*\*?\s?/, "").trim());
      const end = lines.findIndex((line, k) => line === "" && lines.slice(0, k).some((before) => before !== ""));
      const text = lines.slice(0, end < 0 ? undefined : end).join(" ");
      found.set(op!, text.replaceAll("|", "\\|").trim());
    }
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes("--check")) writeFileSync(page, operatorTable());
  else if (!operatorTableIsCurrent()) {
    console.error("docs/operators.md is not current: run `npx tsx scripts/operator-table.ts`");
    process.exitCode = 1;
  }
}
