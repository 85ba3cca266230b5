import { defineConfig, type UserConfig } from "tsdown";
import { bundledLicenses } from "./scripts/bundled-licenses.ts";

/**
 * Everything lands flat in dist/, one folder below the root as src/embedded.ts is, so that its `../assets/…` URLs hold
 * in both. The browser's entry is built apart: it shares no chunk with code that imports `node:`.
 */
const common: UserConfig = {
  format: "esm",
  target: "es2023",
  outDir: "dist",
  fixedExtension: false,
  report: false,
  checks: { pluginTimings: false },
  outputOptions: { chunkFileNames: "[name]-[hash].js" },
};

/** A classic script that stands inside a page: all it needs is in it. */
const pageProgram: UserConfig = {
  ...common,
  platform: "browser",
  format: "iife",
  clean: false,
  dts: false,
  minify: true,
  plugins: [bundledLicenses()],
  outputOptions: { entryFileNames: "[name].js" },
};

export default defineConfig([
  {
    ...common,
    name: "node",
    platform: "node",
    entry: { node: "src/node.ts", cli: "src/cli/index.ts", graft: "src/cli/main.ts" },
  },
  { ...common, name: "browser", platform: "neutral", clean: false, entry: { browser: "src/browser.ts" } },
  { ...pageProgram, name: "study-app", entry: { "study-app": "src/report/app/main.tsx" } },
  { ...pageProgram, name: "map-app", entry: { "map-app": "src/report/map-app/main.ts" } },
]);
