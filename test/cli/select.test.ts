import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { graft } from "./graft.ts";
import { graftHere } from "./in-process.ts";

const folder = mkdtempSync(join(tmpdir(), "select-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string | object): string {
  const path = join(folder, name);
  writeFileSync(path, typeof text === "string" ? text : JSON.stringify(text));
  return path;
}

// With γ = 0.6, taking (1, 2) leaves its neighbour (2, 2) 9 · (1 − 0.6) = 3.6, and (3, 0), at distance 4,
// 6 · (1 − 0.6⁴) = 5.2224: it comes second.
const scores = {
  schema: 1,
  scoreName: "srank",
  matrix: [
    [0, 0, 0, 0],
    [0, 0, 10, 0],
    [0, 0, 9, 0],
    [6, 0, 0, 0],
  ],
};

test("the edges, their kinds and scores, and the placement to train", async () => {
  const { code, stdout, stderr } = await graft(
    "select",
    "--scores",
    file("s.json", scores),
    "--place",
    "gga:2@r4",
    "--json",
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout)).toEqual({
    schema: 1,
    edges: [
      { from: 1, to: 2, kind: "parallel", score: 10 },
      { from: 3, to: 0, kind: "recurrent", score: 6 },
    ],
    placement: "1-2@r4,3-0@r4",
    ties: { picks: 0, drawn: 0 },
  });
});

test("gamma 0 takes the highest scores", async () => {
  const { stdout } = await graftHere(
    "select",
    "--scores",
    file("s.json", scores),
    "--place=gga:2",
    "--gamma",
    "0",
    "--json",
  );
  expect(JSON.parse(stdout).edges.map(({ from, to }: { from: number; to: number }) => [from, to])).toEqual([
    [1, 2],
    [2, 2],
  ]);
});

test("people get a table, and the placement as --place takes it", async () => {
  const config = file("run.yaml", `scores: ${file("s.json", scores)}\nplace: gga:2\n`);
  expect(await graftHere("select", "--config", config)).toEqual({
    code: 0,
    stderr: "",
    stdout: `from  to       kind  srank
   1   2   parallel     10
   3   0  recurrent      6

--place 1-2@r8,3-0@r8
`,
  });
});

test("an edge that a stride passed over has an empty cell", async () => {
  const strided = file("strided.json", { ...scores, stride: 3 });
  const { code, stdout } = await graftHere("select", "--scores", strided, "--place", "3-0,1-2");
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `from  to       kind  srank
   3   0  recurrent      6
   1   2   parallel

--place 3-0@r8,1-2@r8
`,
  });
});

test("edges that nothing scored have no column of scores", async () => {
  const { code, stdout } = await graftHere("select", "--task", "count", "--place", "3-1,0-2@r4");
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `from  to        kind
   3   1   recurrent
   0   2  long-range

--place 3-1@r8,0-2@r4
`,
  });
});

test("under a budget dear edges are passed over, and the cost is told", async () => {
  const matrix = Array.from({ length: 25 }, (_, i) =>
    Array.from({ length: 25 }, (_, j) => (i === 24 && j === 0 ? 9 : i)),
  );
  const { code, stdout, stderr } = await graftHere(
    "select",
    ...["--scores", file("vit.json", { ...scores, matrix })],
    ...["--place", "top:3@r4", "--max-latency", "1.2", "--max-parameters", "2200", "--json"],
  );
  expect(code).toBe(0);
  const { edges, cost, unfilled } = JSON.parse(stdout);
  expect(edges).toHaveLength(2);
  expect(edges).not.toContainEqual(expect.objectContaining({ from: 24, to: 0 }));
  expect(cost.parameters).toBe(2 * (4 * 193 + 289)); // r (2d + 1) + 3d + 1 each
  expect(cost.latency).toBeLessThanOrEqual(1.2);
  expect(unfilled).toBe(1);
  expect(stderr).toContain("of 3 edges asked for, 1 did not fit the budget");
});

test.each<[string, string | object | undefined, string[], string]>([
  ["a file that is not there", undefined, [], "none.json: the file cannot be read (ENOENT)"],
  ["an empty file", "", [], "the file is empty"],
  ["a truncated file", '{"schema": 1, "matrix": [[', [], "not JSON"],
  ["a matrix that is not square", { ...scores, matrix: [[1, 2]] }, [], "matrix[0]"],
  ["a negative score", { ...scores, matrix: [[-1]] }, [], "matrix[0][0]"],
  ["more edges than there are", scores, ["--place", "gga:17"], "17 edges asked for"],
  ["an edge out of range", scores, ["--place", "3-4"], "3-4"],
  ["an unknown selector", scores, ["--place", "gag:3"], 'did you mean "gga"'],
  ["a gamma out of range", scores, ["--gamma", "1"], "gamma 1"],
  ["a gamma that is no number", scores, ["--gamma", "high"], "--gamma: expected a number"],
])("%s is refused in one line", async (_, text, flags, message) => {
  const path = text === undefined ? join(folder, "none.json") : file("bad.json", text);
  const { code, stdout, stderr } = await graftHere("select", "--scores", path, ...flags);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^graft: [^\n]+\n$/);
  expect(stderr).toContain(message);
});

test("an unknown key of the config file is refused and a name suggested, with file and line", async () => {
  const config = file("run.yaml", "seed: 1\nscors: s.json\n");
  const { code, stdout, stderr } = await graftHere("select", "--config", config);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(`unknown key "scors": ${config}:2. did you mean "scores"`);
});

test("without scores there has to be something to make them from, or to train on", async () => {
  expect(await graftHere("select")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      'placement "gga:3": it needs scores, or a task to work on, to choose, and no data are given',
    ),
  });
  const path = file("s.json", scores);
  expect(await graftHere("select", "--scores", path, "--place", "greedy:2")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("it works on a task to choose, and no data are given. Give --task NAME"),
  });
});

test("--picture draws the placement: an arc for each adapter, as SVG or PNG", async () => {
  const path = file("s.json", scores);
  const drawn = (out: string) =>
    graftHere("select", "--scores", path, "--place", "gga:2", "--picture", join(folder, out));
  expect((await drawn("placement.svg")).code).toBe(0);
  const svg = readFileSync(join(folder, "placement.svg"), "utf8");
  expect([...svg.matchAll(/<g><title>([^<]*)/g)].map(([, title]) => title)).toEqual([
    "1 → 2, parallel, rank 8, srank 10",
    "3 → 0, recurrent, rank 8, srank 6",
  ]);
  expect((await drawn("placement.png")).code).toBe(0);
  expect([...readFileSync(join(folder, "placement.png")).subarray(1, 4)]).toEqual([...Buffer.from("PNG")]);
  expect((await drawn("placement.html")).code).toBe(0);
  expect(readFileSync(join(folder, "placement.html"), "utf8")).toContain('data-edge="1-2"');
  const { code, stderr } = await drawn("placement.gif");
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("no format ends in .gif") });
});
