import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { graftHere } from "./in-process.ts";

const folder = mkdtempSync(join(tmpdir(), "score-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Scores of made-up edges, in a file. */
function file(name: string, states: number, value: (from: number, to: number) => number, task = "count"): string {
  const matrix = Array.from({ length: states }, (_, i) => Array.from({ length: states }, (_, j) => value(i, j)));
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify({ schema: 1, scoreName: "srank", matrix, task }));
  return path;
}

const rising = file("rising.json", 25, (from, to) => 25 * from + to);
const falling = file("falling.json", 25, (from, to) => 624 - 25 * from - to, "texture");

test("saved scores are drawn again, in 80 columns, and written as they were", async () => {
  const shown = await graftHere("score", "--scores", rising, "--place", "top:1");
  expect({ code: shown.code, stderr: shown.stderr }).toEqual({ code: 0, stderr: "" });
  expect(shown.stdout).toMatch(/gradient rank of each edge on count, top:1 marked/);
  expect(shown.stdout).toMatch(/24 → 24 +sequential +srank 624 +11 mlp → 11 mlp/);
  for (const line of shown.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  const { stdout } = await graftHere("score", "--scores", rising, "--json");
  expect(JSON.parse(stdout)).toEqual(JSON.parse(readFileSync(rising, "utf8")));
});

test("--against compares: in text, in JSON and in every picture", async () => {
  const compare = (...more: string[]) => graftHere("score", "--scores", rising, "--against", falling, ...more);
  const { stdout } = await compare();
  expect(stdout).toContain("where srank on count ranks an edge above srank on texture, and where below");
  expect(stdout).toMatch(/srank on count against srank on texture: Spearman's ρ −1\.00/);
  expect(stdout).toMatch(/of the best 10 edges of each, 0 are shared \(by chance 0\.16\)/);
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  const json = JSON.parse((await compare("--json")).stdout);
  expect(json.comparison.spearman.value).toBeCloseTo(-1, 10);
  expect(json.comparison.top.map(({ count }: { count: number }) => count)).toEqual([10, 31, 63]);
  for (const ending of ["svg", "png", "html"]) {
    const path = join(folder, `difference.${ending}`);
    expect((await compare("--quiet", "--picture", path)).code).toBe(0);
    expect(existsSync(path)).toBe(true);
  }
  expect(readFileSync(join(folder, "difference.svg"), "utf8")).toContain("24 → 24, sequential: 100<");
  expect(readFileSync(join(folder, "difference.html"), "utf8")).toContain("<h2>Comparison</h2>");
});

test("with a stride maps show what was scored, and comparisons say over what they are", async () => {
  const some = (name: string, sign: number) => {
    const path = file(name, 25, (from, to) => (from % 6 || to % 6 ? 0 : 700 + sign * (25 * from + to)));
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), stride: 6, ...coarse(sign) }));
    return path;
  };
  const coarse = (sign: number) => sign < 0 && { coarse: { columns: 8, exact: [{ from: 0, to: 0 }], error: 1 } };
  const [up, down] = [some("up.json", 1), some("down.json", -1)];
  const page = join(folder, "some.html");
  const { code, stdout } = await graftHere("score", "--scores", up, "--place", "4-5", "--picture", page);
  expect(code).toBe(0);
  expect(stdout).toMatch(/srank from 700 .*to 1324/);
  expect(stdout).toMatch(/4 → 5 +parallel +srank not measured/);
  expect(readFileSync(page, "utf8")).toContain('"states":[0,4,5,6,12,18,24]');
  const compared = await graftHere("score", "--scores", up, "--against", down);
  expect(compared.stdout).toMatch(/ρ −1\.00.*\n +over the 25 of 625 edges that both scored\n/);
  expect(compared.stdout).toMatch(/of \S*down\.json 24 of them are estimates of a coarse pass/);
});

test.each([
  [["--scores", rising, "--task", "count"], "both --scores and --task are given"],
  [["--scores", rising, "--against", file("small.json", 5, () => 1)], "one has 25 states, the other 5"],
  [["--scores", rising, "--picture", "map.jpg"], "no format ends in .jpg"],
  // Before the work: opening the task, which is not there, comes after.
  [["--data", "nowhere", "--place", "nonsense:3"], 'placement "nonsense:3": no selector has that name'],
  [["--data", "nowhere", "--place", "greedy:3"], "here there is no task"],
  [["--data", "nowhere", "--place", "gga:9999"], "9999 edges asked for"],
  [["--data", "nowhere", "--place", "gga:10", "--stride", "12"], "has 9 edges scored, with stride 12"],
  [["--data", "nowhere", "--place", "0-99"], "0-99"],
  [["--data", "nowhere", "--sites", "lora", "--top", "999"], "the best 999 sites: there are"],
  [["--data", "nowhere", "--sites", "lora", "--stride", "3"], "--stride: it is about edges"],
])("%j is refused in one line", async (args, expected) => {
  const { code, stdout, stderr } = await graftHere("score", ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(expected);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});

test("--dry-run says how long scoring takes, and scores nothing", async () => {
  const call = ["score", "--task", "count", "--train-size", "64", "--head", "random", "--stride", "12", "--dry-run"];
  const { stdout } = await graftHere(...call, "--json");
  expect(JSON.parse(stdout)).toEqual({
    ...{ schema: 1, type: "dry-run", edges: 9, examples: 32, passes: 1 },
    seconds: expect.any(Number),
  });
  const saved = await graftHere("score", "--scores", rising, "--dry-run");
  expect({ code: saved.code, stderr: saved.stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining("has scores"),
  });
});

test("--coarse scores exactly what the placement could take, says so, and another placement is refused", async () => {
  const sizes = ["--task", "texture", "--train-size", "200", "--head", "random", "--coarse-columns", "24"];
  const made = await graftHere("score", ...sizes, "--coarse", "--place", "top:1", "--stride", "3", "--json");
  expect(made.code, made.stderr).toBe(0);
  const { coarse, stride } = JSON.parse(made.stdout);
  expect({ columns: coarse.columns, stride }).toEqual({ columns: 24, stride: 3 });
  expect(coarse.exact.length).toBeLessThan(81);
  const saved = join(folder, "coarse.json");
  writeFileSync(saved, made.stdout);
  const { stdout } = await graftHere("score", "--scores", saved, "--place", "top:1");
  expect(stdout).toMatch(/\d+ of them exact; the rest estimated from 24 columns, ± \d/);
  const refused = await graftHere("select", "--scores", saved, "--place", "top:81");
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("its score is an estimate");
  const both = await graftHere("select", "--scores", saved, "--coarse");
  expect(both.code).toBe(2);
  expect(both.stderr).toContain("has scores");
});
