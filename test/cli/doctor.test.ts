import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { graft } from "./graft.ts";

test("graft doctor looks at this machine: the embedded model runs, and nothing is wrong", async () => {
  const { code, stdout, stderr } = await graft("doctor", "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { schema, checks } = JSON.parse(stdout) as { schema: number; checks: Record<string, string>[] };
  expect(schema).toBe(1);
  const byName = new Map(checks.map((check) => [check.name, check]));
  const { version } = JSON.parse(readFileSync("node_modules/onnxruntime-node/package.json", "utf8"));
  expect(byName.get("onnxruntime-node")).toMatchObject({ status: "ok", detail: expect.stringContaining(version) });
  expect(byName.get("node")!.detail).toContain(process.versions.node);
  expect(byName.get("embedded model")!.status).toBe("ok");
  expect(byName.has("network")).toBe(false);
});

test("for people it is a table, one finding a line", async () => {
  const { code, stdout } = await graft("doctor");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ok +embedded model +opened in \d+ ms/m);
});
