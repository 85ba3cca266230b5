import type { ImageInput } from "../backbone/index.ts";
import type { ImageSize, Resize } from "../tasks/index.ts";
import type { Json } from "./pipeline-config.ts";

/** Pillow's numbers, as `resample` has them. */
const RESAMPLE: Readonly<Record<Extract<Resize, { filter: unknown }>["filter"], number>> = {
  nearest: 0,
  lanczos: 1,
  bilinear: 2,
  bicubic: 3,
  box: 4,
  hamming: 5,
};

/**
 * `preprocessor_config.json`: how a picture becomes the model's input. Where the backbone came with such a file, ours says
 * the same of size and filter, in keys that Python, Transformers.js and `readBackbone` understand alike. Channels are red,
 * green, blue; bytes / 255, minus mean, over std (another factor of the backbone's file is in its mean and std already).
 */
export function preprocessorConfig(input: ImageInput): Json {
  return {
    do_convert_rgb: true,
    ...geometry(input),
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: [...input.mean],
    image_std: [...input.std],
  };
}

function geometry({ height, width, resize = { mode: "cover" } }: ImageInput): Json {
  const crop = { do_center_crop: true, crop_size: { height, width } };
  switch (resize.mode) {
    case "cover":
      // Of the filters only Lanczos averages over what it leaves out, as ours does, in Transformers.js under Node.
      return {
        image_processor_type: "ViTImageProcessor",
        do_resize: true,
        size: { shortest_edge: Math.max(height, width) },
        resample: RESAMPLE.lanczos,
        ...crop,
      };
    case "crop":
      return { image_processor_type: "BitImageProcessor", do_resize: false, ...crop };
    case "exact": {
      const whole = wholeSize({ height, width }, resize.share);
      const isCut = whole.height !== height || whole.width !== width;
      return {
        image_processor_type: isCut ? "DeiTImageProcessor" : "ViTImageProcessor",
        do_resize: true,
        size: whole,
        resample: RESAMPLE[resize.filter],
        ...(isCut ? crop : { do_center_crop: false }),
      };
    }
    case "shortest-edge":
      return {
        image_processor_type: "CLIPImageProcessor",
        do_resize: true,
        size: { shortest_edge: Math.round(Math.min(height, width) / resize.share) },
        resample: RESAMPLE[resize.filter],
        ...crop,
      };
  }
}

/** The size of which the middle `share` is the model's. */
const wholeSize = ({ height, width }: ImageSize, share: ImageSize): ImageSize => ({
  height: Math.round(height / share.height),
  width: Math.round(width / share.width),
});
