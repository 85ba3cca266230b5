import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Resvg } from "@resvg/resvg-js";

const resolvePath = createRequire(import.meta.url).resolve;

/** Drawing these ends the whole process (@resvg/resvg-js 2.6.2). */
const abortsTheDrawing = new Set(["package", "rainbow-flag"]);

export interface EmojiFolderOptions {
  /** Names as the set has them, e.g. "Food & Drink"; their folders are called the same. */
  readonly categories: readonly string[];
  /** The first so many of each category, default all. */
  readonly perCategory?: number;
  /** Side in pixels, default 32. */
  readonly size?: number;
}

/**
 * Draw Google's Noto emoji as PNG files, `folder`/train/<category>/<name>.png, transparent ground. Copies in other skin
 * tones are left out: they are the same picture to a classifier.
 */
export async function drawEmojiFolder(folder: string, options: EmojiFolderOptions): Promise<void> {
  const { categories, perCategory = Number.POSITIVE_INFINITY, size = 32 } = options;
  const { icons } = (await readJson("@iconify-json/noto/icons.json")) as { icons: Record<string, { body: string }> };
  const metadata = (await readJson("@iconify-json/noto/metadata.json")) as { categories: Record<string, string[]> };
  for (const category of categories) {
    const names = metadata.categories[category];
    if (names === undefined) throw new Error(`no emoji category "${category}"`);
    const drawn = names.filter((name) => icons[name] && !name.includes("skin-tone") && !abortsTheDrawing.has(name));
    const target = join(folder, "train", category);
    await mkdir(target, { recursive: true });
    for (const name of drawn.slice(0, perCategory)) {
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 128 128">${icons[name]!.body}</svg>`;
      const picture = new Resvg(svg, { fitTo: { mode: "width", value: size } }).render();
      await writeFile(join(target, `${name}.png`), picture.asPng());
    }
  }
}

async function readJson(specifier: string): Promise<unknown> {
  return JSON.parse(await readFile(resolvePath(specifier), "utf8"));
}
