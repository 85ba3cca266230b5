import { decodeImage } from "./decode-image.node.ts";
import type { ImageTarget } from "./resize.ts";
import type { ImageSplit } from "./task.ts";

/** Decode picture files into a split without labels. Throws UNREADABLE_IMAGE naming the file. */
export async function openImages(files: readonly string[], target: ImageTarget): Promise<ImageSplit> {
  const images: Uint8Array[] = [];
  for (const file of files) images.push(await decodeImage(file, target));
  return { kind: "image", count: images.length, targets: { kind: "none" }, pixels: (index) => images[index]! };
}
