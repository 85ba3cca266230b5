import { stat } from "node:fs/promises";
import { GraftError } from "../base/index.ts";
import { fitImage, type ImageTarget } from "./resize.ts";

/**
 * Decode an image file: turned as its EXIF says, alpha laid on white, grey, CMYK and 16 bits brought to 8-bit sRGB (by the
 * file's colour profile, if it has one), then brought to the model's size by our own code. Only the first frame of an
 * animation counts. Python's `convert("RGB")` forgets alpha instead: what is transparent has there whatever colour its
 * writer left, mostly black, which a person never sees.
 * @param image  a path, or an encoded picture that errors call `name`
 * @returns      bytes [3, target.height, target.width]
 * @throws   GraftError UNREADABLE_IMAGE, MISSING_PACKAGE
 */
export async function decodeImage(
  image: string | Uint8Array,
  target: ImageTarget,
  name = typeof image === "string" ? image : "in the data",
): Promise<Uint8Array> {
  const sharp = await loadSharp();
  let data: Uint8Array;
  let info: { width: number; height: number; channels: number };
  try {
    ({ data, info } = await sharp(image, { failOn: "error" })
      .autoOrient()
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true }));
  } catch (cause) {
    throw new GraftError("UNREADABLE_IMAGE", {
      thing: `image ${name}`,
      ...(await reasonOf(image, cause)),
      cause,
    });
  }
  return fitImage(channelFirst(data, info), info, target);
}

/** [height, width, channels] → [3, height, width]; grey becomes three channels, alpha (the last of 2 or 4) is laid on white. */
function channelFirst(
  data: Uint8Array,
  { width, height, channels }: { width: number; height: number; channels: number },
): Uint8Array {
  const plane = width * height;
  const out = new Uint8Array(3 * plane);
  const alpha = channels % 2 === 0 ? channels - 1 : undefined;
  for (let c = 0; c < 3; c++) {
    const from = channels < 3 ? 0 : c;
    const to = out.subarray(c * plane, (c + 1) * plane);
    if (alpha === undefined) for (let k = 0; k < plane; k++) to[k] = data[k * channels + from]!;
    else
      for (let k = 0; k < plane; k++)
        to[k] = Math.round(255 - (data[k * channels + alpha]! * (255 - data[k * channels + from]!)) / 255);
  }
  return out;
}

async function loadSharp(): Promise<typeof import("sharp")["default"]> {
  try {
    return (await import("sharp")).default;
  } catch (cause) {
    throw new GraftError("MISSING_PACKAGE", {
      thing: "package sharp",
      place: `needed to decode image files, cannot be loaded (${firstLine(cause)})`,
      remedy: "Install it: npm install sharp",
      cause,
    });
  }
}

async function reasonOf(image: string | Uint8Array, cause: unknown): Promise<{ place: string; remedy: string }> {
  if (typeof image !== "string")
    return { place: `its ${image.length} bytes cannot be decoded (${firstLine(cause)})`, remedy: "Remove the row" };
  const found = await stat(image).catch(() => undefined);
  if (found?.isDirectory()) return { place: "it is a folder, not a picture", remedy: "Name the pictures in it" };
  if (found) return { place: `it cannot be decoded (${firstLine(cause)})`, remedy: "Replace or remove the file" };
  // What Node makes of bytes that are no UTF-8 names no file.
  if (image.includes("\uFFFD")) return { place: "its name is not valid UTF-8", remedy: "Rename the file" };
  return { place: "there is no such file", remedy: "Check the path" };
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split("\n")[0]!.trim();
}
