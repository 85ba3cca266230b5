/**
 * Write docs/operators.md: which operators a gradient can pass and which models can be raised, from the tables in the
 * source. `tsx scripts/operator-table.ts`; with `--check` it only says whether the page is current.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { quantizedRules, rules } from "../src/autodiff/index.ts";
import { rewrites } from "../src/graph/decompose/rewrites.ts";
import { upgradeSteps } from "../src/graph/upgrade-steps.ts";
import { fusedCases } from "../test/support/fused-cases.ts";
import { FLOAT32_ONLY, ruleCases } from "../test/support/rule-cases.ts";

const page = new URL("../docs/operators.md", import.meta.url);
const rewriteFiles = new URL("../src/graph/decompose/", import.meta.url);
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
  const quantizedRows = Object.entries(quantizedRules).flatMap(([domain, table]) =>
    sorted(table).map(([op, { opset }]) => {
      const since = domain === "" ? opset.join("–") : "1";
      return `| ${qualified(domain, op)} | ${since} | ${formulas.get(op) ?? ""} |`;
    }),
  );
  const parts = formulasIn(rewriteFiles);
  const fusedRows = Object.entries(rewrites).flatMap(([domain, table]) =>
    sorted(table).map(([op]) => {
      const cases = (fusedCases[domain as keyof typeof fusedCases] as Record<string, readonly { opset?: number }[]>)[
        op
      ]!;
      const since = domain !== "" ? "1" : cases.some(({ opset }) => opset === 20) ? "1" : "23–25";
      const meaning = (domain === "" ? parts.get(`Onnx${op}`) : undefined) ?? parts.get(op) ?? "";
      return `| ${qualified(domain, op)} | ${since} | ${meaning} | ${cases.length} |`;
    }),
  );
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

## Fused operators

Taken apart into operators of the table above when a model is opened, so that states inside them can be found and gradients
pass. *Checked* counts the ways to call it in which the parts are compared with the runtime's own kernel, within 1e-5, on
random sizes, fixed and open. A cache of a decoder, packed sequences and the like are an error that names the node.

| operator | version | what it becomes | checked |
|---|---|---|---|
${fusedRows.join("\n")}

## Quantised operators

They stay as they are: the forward keeps the file's bits. The gradient passes straight through the rounding and sees weights as
what they dequantise to. Each is compared with the gradient of the float product at the same activations, within 1e-5; whole
files in \`test/fixtures/encoders-fused\` with their float models.

| operator | opsets | gradient |
|---|---|---|
${quantizedRows.join("\n")}

## Older models

Models of opset 7 to 19 are raised to opset 20 when opened. Operators whose definition changed in between, and the opsets that
changed it (all others mean the same throughout); each is tested to give the same bits before and after.

| operator | changed in opset |
|---|---|
${upgradeRows.join("\n")}
`;
}

/** A namespace's own order differs between loaders. */
const sorted = <T>(table: Readonly<Record<string, T>>) => Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1));

const qualified = (domain: string, op: string) => (domain === "" ? op : `${domain}.${op}`);

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
