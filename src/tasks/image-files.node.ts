import { decodeImage } from "./decode-image.node.ts";
import type { ImageSize } from "./resize.ts";
import type { Split } from "./task.ts";

/** Decode picture files into a split without labels (all 0). Throws UNREADABLE_IMAGE naming the file. */
export async function openImages(files: readonly string[], size: ImageSize): Promise<Split> {
  const images: Uint8Array[] = [];
  for (const file of files) images.push(await decodeImage(file, size));
  return { count: images.length, labels: new Int32Array(images.length), pixels: (index) => images[index]! };
}
