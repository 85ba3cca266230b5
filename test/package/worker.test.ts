import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "graft-worker-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a training in a worker thread, as docs/running.md shows it, leaves the main thread free", () => {
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const blocks = readFileSync("docs/running.md", "utf8").matchAll(/^```js\n\/\/ (\S+)\n(.*?)^```/gms);
  for (const [, name, code] of blocks)
    writeFileSync(join(folder, name!), code!.replace('"onnx-graft"', JSON.stringify(resolve("dist/node.js"))));
  const stdio = ["ignore", "pipe", "inherit"] as const;
  const printed = execFileSync("node", ["main.js"], { cwd: folder, encoding: "utf8", stdio: [...stdio] });
  // 64 examples are two steps.
  expect(printed).toMatch(/^\.\. \d{7} bytes; this thread stayed free: true\n$/);
});
