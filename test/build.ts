import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Vitest's global set-up for tests of what is built: `npm run build`, once. */
export function setup() {
  const root = fileURLToPath(new URL("..", import.meta.url));
  try {
    execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "pipe", encoding: "utf8" });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`the build failed, so there is nothing to test:\n${stdout}${stderr}`);
  }
}
