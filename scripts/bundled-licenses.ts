import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Chunk {
  readonly type: "chunk";
  readonly moduleIds: readonly string[];
  code: string;
}

/** Of the build: puts the licences of all packages that a chunk holds above it, as they ask of every copy; each text once. */
export const bundledLicenses = () => ({
  name: "bundled-licenses",
  generateBundle(_: unknown, files: Readonly<Record<string, Chunk | { readonly type: "asset" }>>) {
    for (const file of Object.values(files))
      if (file.type === "chunk") file.code = `${licenseComment(file.moduleIds)}${file.code}`;
  },
});

function licenseComment(moduleIds: readonly string[]): string {
  const packages = new Map<string, string[]>();
  for (const folder of new Set(moduleIds.flatMap((id) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []))) {
    const text = licenseOf(folder);
    packages.set(text, [...(packages.get(text) ?? []), folder.split("/node_modules/").at(-1)!]);
  }
  const parts = [...packages].map(([text, names]) => `${names.sort().join(", ")}:\n\n${text}`);
  return parts.length === 0 ? "" : `/*!\nThis program holds\n\n${parts.sort().join("\n\n")}\n*/\n`;
}

function licenseOf(folder: string): string {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined)
    throw new Error(`${folder} is bundled, and has no file with its licence: name its licence here, or do without it`);
  return readFileSync(join(folder, file), "utf8").replaceAll("\r", "").replaceAll("*/", "* /").trim();
}
