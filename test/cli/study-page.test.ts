import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { graft, startGraft } from "./graft.ts";

/** The paper's edges, half measured: the page itself is tested in test/browser. */
const folder = mkdtempSync(join(tmpdir(), "graft-study-page-"));
const file = join(folder, "edges.db");
beforeAll(() => graft("study", "create", "--from", "docs/data/paper/edges-vit.jsonl", "--out", file));
afterAll(() => rmSync(folder, { recursive: true }));

test("`study report` writes a page with the study's trials", async () => {
  const out = join(folder, "report.html");
  expect(await graft("study", "report", file, "--out", out)).toMatchObject({ code: 0 });
  const page = readFileSync(out, "utf8");
  const view = JSON.parse(page.match(/id="view">(.*)<\/script>/)![1]!);
  const { trials } = JSON.parse((await graft("study", "status", file, "--json")).stdout);
  expect(view.tasks.flatMap((task: { trials: object[] }) => task.trials)).toHaveLength(trials.length);
  // What is bundled asks for its licence in every copy.
  expect(page).toMatch(/^preact:$/m);
});

test("`study watch` says where it serves, and Ctrl-C ends it", async () => {
  const watch = startGraft("study", "watch", file, "--json");
  await watch.says("http://127.0.0.1:");
  await watch.says("}\n");
  watch.kill("SIGINT");
  const { code, stdout } = await watch.finished;
  expect(code).toBe(0);
  expect(new URL(JSON.parse(stdout).url).hostname).toBe("127.0.0.1");
});
