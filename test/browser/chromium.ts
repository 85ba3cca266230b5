import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const [given, installed] = [process.env.CHROMIUM, "/usr/bin/chromium"];
const executable = given ?? (existsSync(installed) ? installed : undefined);

/** Why there is no browser to test in, or undefined. In CI that is no excuse: launching fails then. */
export const noChromium =
  executable === undefined && process.env.GRAFT_NO_SKIP !== "1"
    ? `no Chromium: install it as ${installed}, or name it in $CHROMIUM`
    : undefined;

/** WebGPU on the software Vulkan driver that comes with Debian's Chromium. */
export const SOFTWARE_WEBGPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"] as const;

/** Start Chromium without a window: pages keep their priority, and nothing asks the network but the test's own server. */
export async function launchChromium(more: readonly string[] = []): Promise<Browser> {
  if (executable === undefined) throw new Error(`no Chromium: neither ${installed} nor $CHROMIUM`);
  return chromium.launch({
    executablePath: executable,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-renderer-backgrounding",
      ...more,
    ],
  });
}
