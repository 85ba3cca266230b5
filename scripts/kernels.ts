/** `npm run kernels`: assemble each .wat into the TypeScript beside it that carries its bytes. */
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import openWabt from "wabt";

export const SOURCES = ["src/scoring/eigenvalues.wat", "src/training/adamw.wat"] as const;

/** The module made from a source. */
export const targetOf = (source: string): string => source.replace(/\.wat$/, "-kernel.ts");

/** Its text. */
export async function kernelModule(source: string): Promise<string> {
  const wabt = await openWabt();
  const module = wabt.parseWat(source, readFileSync(source, "utf8"), { simd: true });
  const base64 = Buffer.from(module.toBinary({}).buffer).toString("base64");
  return [
    `// Made from ${basename(source)} by \`npm run kernels\`; a test makes it again.`,
    "const BASE64 =",
    `  "${base64}";`,
    "",
    "/** The bytes of the WebAssembly module. */",
    "export const kernel = (): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(BASE64), (char) => char.charCodeAt(0));",
    "",
  ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  for (const source of SOURCES) writeFileSync(targetOf(source), await kernelModule(source));
