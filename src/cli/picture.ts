import { extname } from "node:path";
import * as z from "zod";
import { writeFileAtomic } from "../base/index.node.ts";
import { GraftError } from "../base/index.ts";
import { checkFonts, svgToPng } from "../report/index.node.ts";
import type { PageProgram, ThemeChoice } from "../report/index.ts";
import { pageProgram } from "./page-program.ts";

/** Flags of commands that draw. */
export const pictureArgs = (what: string) => ({
  picture: z
    .string()
    .optional()
    .meta({ description: `write ${what}: .svg, .png or .html, as the name ends`, value: "file" }),
  theme: z
    .enum(["auto", "light", "dark"])
    .default("auto")
    .describe("colours of the picture; auto follows each reader's system, in a PNG it is light"),
});

/** What a command can draw. */
export interface Drawing {
  svg(theme: ThemeChoice): string;
  page(program: PageProgram): string;
}

/** Writes a picture to the path it was opened for. */
export type PictureWriter = (drawing: Drawing) => Promise<void>;

/**
 * Get ready to write a picture in the format its path names, so that what cannot work fails before the work.
 * @throws GraftError BAD_PICTURE for another ending; for PNG MISSING_PACKAGE, NO_FONT; for a page NOT_BUILT
 */
export async function openPicture({
  picture: path,
  theme,
}: {
  readonly picture?: string | undefined;
  readonly theme: ThemeChoice;
}): Promise<PictureWriter | undefined> {
  if (path === undefined) return undefined;
  const ending = extname(path).toLowerCase();
  if (ending === ".svg") return async ({ svg }) => writeFileAtomic(path, svg(theme));
  if (ending === ".html") {
    const program = pageProgram("map-app");
    return async ({ page }) => writeFileAtomic(path, page(program));
  }
  if (ending === ".png") {
    await checkFonts();
    return async ({ svg }) => writeFileAtomic(path, await svgToPng(svg(theme === "auto" ? "light" : theme)));
  }
  throw new GraftError("BAD_PICTURE", {
    thing: `picture ${path}`,
    place: ending === "" ? "its name has no ending that says the format" : `no format ends in ${ending}`,
    remedy: "Name a file that ends in .svg, .png or .html",
  });
}
