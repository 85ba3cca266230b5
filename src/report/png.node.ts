import { GraftError } from "../base/index.ts";

/** Pixels of the PNG per pixel of the SVG: sharp on screens of high density and in print. */
const SCALE = 2;

/**
 * Draw an SVG as PNG, at twice its size, with sharp, which decodes pictures here and needs no further package.
 * @param svg drawn for a theme: the renderer knows no media queries
 * @throws GraftError MISSING_PACKAGE without sharp, NO_FONT where this machine has no font to write with
 */
export async function svgToPng(svg: string): Promise<Uint8Array> {
  await checkFonts();
  const sharp = await loadSharp();
  return sharp(Buffer.from(svg), { density: 72 * SCALE })
    .png({ palette: true })
    .toBuffer();
}

/**
 * Find out whether `svgToPng` can work here, before something that takes long.
 * @throws GraftError MISSING_PACKAGE, NO_FONT
 */
export async function checkFonts(): Promise<void> {
  // Without a font each letter is the same box.
  const [one, other] = await Promise.all(["i", "W"].map(letter));
  if (!one!.equals(other!)) return;
  throw new GraftError("NO_FONT", {
    thing: "a picture as PNG",
    place: "this machine has no font to write its labels with",
    remedy: "Install one (on Debian: apt-get install fonts-dejavu-core), or write .svg or .html",
  });
}

async function letter(text: string): Promise<Buffer> {
  const sharp = await loadSharp();
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><text x="8" y="30" font-family="sans-serif" font-size="20">${text}</text></svg>`;
  return sharp(Buffer.from(svg)).raw().toBuffer();
}

async function loadSharp(): Promise<typeof import("sharp")["default"]> {
  try {
    return (await import("sharp")).default;
  } catch (cause) {
    throw new GraftError("MISSING_PACKAGE", {
      thing: "package sharp",
      place: "needed to draw a picture as PNG, cannot be loaded",
      remedy: "Install it: npm install sharp, or write .svg or .html",
      cause,
    });
  }
}
