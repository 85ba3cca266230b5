/** `npm run kernels`: assemble src/scoring/eigenvalues.wat into the TypeScript that carries its bytes. */
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import openWabt from "wabt";

export const SOURCE = "src/scoring/eigenvalues.wat";
export const TARGET = "src/scoring/eigenvalues-kernel.ts";

/** The text of the generated module. */
export async function kernelModule(): Promise<string> {
  const wabt = await openWabt();
  const module = wabt.parseWat(SOURCE, readFileSync(SOURCE, "utf8"), { simd: true });
  const base64 = Buffer.from(module.toBinary({}).buffer).toString("base64");
  return [
    "// Made from eigenvalues.wat by `npm run kernels`; a test makes it again.",
    "const BASE64 =",
    `  "${base64}";`,
    "",
    "/** The bytes of the WebAssembly module. */",
    "export const kernel = (): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(BASE64), (char) => char.charCodeAt(0));",
    "",
  ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) writeFileSync(TARGET, await kernelModule());
