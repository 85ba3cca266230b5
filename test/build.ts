import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { build } from "tsdown";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Where the sample program of test/cli is built; inside node_modules, so that it finds the packages it imports. */
export const sampleProgram = path("../node_modules/.cache/graft/sample-program.js");

/** Vitest's global set-up for tests of what is built: `npm run build`, once, and the sample program. */
export async function setup() {
  try {
    execFileSync("npm", ["run", "--silent", "build"], { cwd: path(".."), stdio: "pipe", encoding: "utf8" });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`the build failed, so there is nothing to test:\n${stdout}${stderr}`);
  }
  await build({
    config: false,
    logLevel: "error",
    entry: path("cli/sample-program.ts"),
    outDir: path("../node_modules/.cache/graft"),
    format: "esm",
    fixedExtension: false,
    dts: false,
    report: false,
  });
}
