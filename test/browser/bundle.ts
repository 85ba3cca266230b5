import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import { build, type Plugin, type Rollup } from "vite";

export interface Bundled {
  /** Every module of the bundle that is no file of this repository's own pages, by path. */
  readonly modules: readonly string[];
  readonly chunks: readonly Rollup.OutputChunk[];
  readonly assets: readonly string[];
}

/** No app could serve these to a page. */
const nodeOnly = (id: string) => isBuiltin(id) || /^(onnxruntime-node|sharp)(\/|$)/.test(id);

const refuseNodeOnly: Plugin = {
  name: "refuse-node-only",
  enforce: "pre",
  resolveId(id, importer) {
    if (nodeOnly(id)) throw new Error(`${importer} imports ${id}, which no page has`);
  },
};

/**
 * Bundle an app's page with Vite, as its author would: packages by name, the `browser` condition, assets emitted.
 * @param input     HTML file or module, relative to this folder
 * @param external  packages to leave as imports
 */
export async function bundle(input: string, outDir: string, external: readonly string[] = []): Promise<Bundled> {
  const root = fileURLToPath(new URL("page", import.meta.url));
  const result = await build({
    root,
    configFile: false,
    logLevel: "error",
    plugins: [refuseNodeOnly],
    worker: { format: "es", plugins: () => [refuseNodeOnly] },
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2023",
      modulePreload: false,
      rollupOptions: { input: fileURLToPath(new URL(input, import.meta.url)), external: [...external] },
    },
  });
  const { output } = (Array.isArray(result) ? result[0] : result) as Rollup.RollupOutput;
  const chunks = output.filter((file) => file.type === "chunk");
  return {
    chunks,
    modules: chunks.flatMap(({ moduleIds }) => moduleIds),
    assets: output.filter((file) => file.type === "asset").map(({ fileName }) => fileName),
  };
}
