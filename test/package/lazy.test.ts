import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

/** Packages among `natives` that a fresh Node has loaded after running the statements. */
function loadedAfter(statements: string): string[] {
  const script = `
    import { createRequire } from "node:module";
    ${statements}
    const files = Object.keys(createRequire(import.meta.url).cache).join("\\n");
    const natives = ["onnxruntime-node", "sharp", "@resvg/resvg-js"];
    console.log(JSON.stringify(natives.filter((name) => files.includes("/node_modules/" + name + "/"))));`;
  return JSON.parse(execFileSync("node", ["--input-type=module", "-e", script], { encoding: "utf8" }));
}

test("Node's entry loads neither ONNX Runtime nor a decoder of pictures until one is used", () => {
  expect(loadedAfter('await import("onnx-graft");')).toEqual([]);
  expect(
    loadedAfter('const { openBackbone } = await import("onnx-graft"); await openBackbone("builtin:vit");'),
  ).toEqual(["onnxruntime-node"]);
});
