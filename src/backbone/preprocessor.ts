import * as z from "zod";
import { GraftError } from "../base/index.ts";
import type { Filter, ImageSize, Resize } from "../tasks/index.ts";
import type { BackboneOptions } from "./open-backbone.ts";

const side = z.int().positive();
const Size = z.union(
  [
    side,
    z.object({ height: side, width: side }),
    z.object({ shortest_edge: side }),
    z.tuple([side, side]).transform(([height, width]) => ({ height, width })),
  ],
  { error: 'must be a number, {"height", "width"} or {"shortest_edge"}' },
);
const perChannel = (number: z.ZodNumber) =>
  z.union([z.array(number).length(3), number.transform((x) => [x, x, x])], { error: "expected array of 3 numbers" });

/** What graft reads of a Hugging Face `preprocessor_config.json`; unknown keys are other tools' business. */
const Preprocessor = z.object({
  image_processor_type: z.string().optional(),
  feature_extractor_type: z.string().optional(),
  do_resize: z.boolean().nullish(),
  size: Size.nullish(),
  resample: z.int().min(0).max(5).nullish(),
  do_center_crop: z.boolean().nullish(),
  crop_size: Size.nullish(),
  crop_pct: z.number().positive().max(1).nullish(),
  do_rescale: z.boolean().nullish(),
  rescale_factor: z.number().positive().nullish(),
  do_normalize: z.boolean().nullish(),
  image_mean: perChannel(z.number()).nullish(),
  image_std: perChannel(z.number().positive()).nullish(),
});
type Preprocessor = z.output<typeof Preprocessor>;

/** Pillow's numbers. */
const FILTERS: readonly Filter[] = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];

/** What a class of image processor does where the file does not say. */
interface Defaults {
  /** Side it resizes to: both sides, or the shorter one. */
  readonly size: number;
  readonly mode: "exact" | "shortest-edge";
  readonly filter: Filter;
  /** Side it cuts out then. */
  readonly crop?: number;
  /** Cuts out `size` of a picture resized to `size / crop_pct`, as ConvNeXt's does below 384. */
  readonly share?: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const HALF = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const CLIP_COLORS = { mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711] };
const IMAGENET = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const plain: Defaults = { size: 224, mode: "exact", filter: "bilinear", ...HALF };
const clip: Defaults = { size: 224, mode: "shortest-edge", filter: "bicubic", crop: 224, ...CLIP_COLORS };
const cropped: Defaults = { size: 256, mode: "exact", filter: "bicubic", crop: 224, ...HALF };

/** By the class's name without `ImageProcessor`, `ImageProcessorFast` or, in older files, `FeatureExtractor`. */
const DEFAULTS: Readonly<Record<string, Defaults>> = {
  ViT: plain,
  DeiT: cropped,
  Beit: cropped,
  CLIP: clip,
  ChineseCLIP: clip,
  Bit: clip,
  Siglip: { ...plain, filter: "bicubic" },
  ConvNext: { size: 384, mode: "shortest-edge", filter: "bilinear", share: 224 / 256, ...HALF },
  DINOv3ViT: { ...plain, ...IMAGENET },
};

type Triple = readonly [number, number, number];
type Settings = Pick<BackboneOptions, "mean" | "std" | "imageSize" | "resize">;

/** Newer versions of transformers keep the same keys in a `processor_config.json`, below this one. */
const Nested = z.object({ image_processor: z.unknown() }).transform(({ image_processor }) => image_processor);

/**
 * Picture settings from a `preprocessor_config.json` or `processor_config.json`: size, how pictures are brought to it, mean
 * and std. What the file leaves out is what its class of image processor does; we follow the classes that resize with Pillow,
 * also where a `…Fast` one, which resizes with PyTorch, is named (they differ by a step of 1/255 here and there). Another
 * rescaling than by 1/255 is put into mean and std.
 * @param place  the file's path, for errors
 * @throws GraftError PREPROCESSOR_CONFIG
 */
export function parsePreprocessor(json: string, place: string): Settings {
  const refuse = (problem: string, cause?: unknown) =>
    new GraftError("PREPROCESSOR_CONFIG", {
      thing: "the settings of pictures",
      place: `${place}: ${problem}`,
      remedy: "Fix or remove the file; without it mean and std are 0.5",
      cause,
    });
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw refuse("it is not JSON", cause);
  }
  const result = Preprocessor.safeParse(Nested.safeParse(parsed).data ?? parsed);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw refuse(`${issue?.path.join(".") || "it"}: ${issue?.message}`, result.error);
  }
  const config = result.data;
  const known = (config.image_processor_type ?? config.feature_extractor_type)?.match(
    /^(.+?)(ImageProcessor(Fast)?|FeatureExtractor)$/,
  )?.[1];
  const defaults = known !== undefined && Object.hasOwn(DEFAULTS, known) ? DEFAULTS[known] : undefined;
  return { ...geometryOf(config, defaults), ...colorsOf(config, defaults) };
}

/** Size and resizing; nothing of either where neither the file nor its class says it. */
function geometryOf(config: Preprocessor, defaults: Defaults | undefined): Pick<Settings, "imageSize" | "resize"> {
  const { size = defaults?.size, crop_size = defaults?.crop } = nothingIsNull(config);
  const crops = config.do_center_crop ?? (defaults ? defaults.crop !== undefined : crop_size !== undefined);
  const cut = crops ? sizeOf(crop_size ?? size) : undefined;
  const isStated = config.size != null || (crops && config.crop_size != null);
  const asked = (resized: ImageSize | undefined) => {
    const pictures = cut ?? resized;
    return isStated && pictures ? { imageSize: oneOrTwo(pictures) } : {};
  };
  if (config.do_resize === false) {
    return { ...asked(undefined), ...(cut && { resize: { mode: "crop" } as const }) };
  }
  if (size === undefined) return asked(undefined);
  const filter = config.resample != null ? FILTERS[config.resample]! : (defaults?.filter ?? "bilinear");
  const whole = sizeOf(size)!;
  const mode = typeof size === "number" ? (defaults?.mode ?? "exact") : "height" in size ? "exact" : "shortest-edge";
  const end = cut ?? whole;
  let resize: Resize = { mode: "exact", share: shareOf(end, whole), filter };
  if (mode === "shortest-edge") {
    const share = defaults?.share === undefined ? undefined : (config.crop_pct ?? defaults.share);
    if (share === undefined) resize = { mode, share: Math.min(end.height, end.width) / whole.height, filter };
    else if (whole.height < 384) resize = { mode, share: whole.height / Math.trunc(whole.height / share), filter };
  }
  return { ...asked(whole), resize };
}

/** The keys of a file that has `null` where it means to say nothing. */
const nothingIsNull = ({ size, crop_size }: Preprocessor) => ({
  ...(size != null && { size }),
  ...(crop_size != null && { crop_size }),
});

function sizeOf(size: z.output<typeof Size> | undefined): ImageSize | undefined {
  if (size === undefined) return undefined;
  if (typeof size === "number") return { height: size, width: size };
  return "height" in size ? size : { height: size.shortest_edge, width: size.shortest_edge };
}

const oneOrTwo = (size: ImageSize) => (size.height === size.width ? size.height : size);
const shareOf = (part: ImageSize, whole: ImageSize): ImageSize => ({
  height: part.height / whole.height,
  width: part.width / whole.width,
});

/** (byte · factor − mean) / std, as graft has it: (byte / 255 − mean) / std. */
function colorsOf(config: Preprocessor, defaults: Defaults | undefined): Pick<Settings, "mean" | "std"> {
  const scale = config.do_rescale === false ? 255 : nearlyOne((config.rescale_factor ?? 1 / 255) * 255);
  const isNormalized = config.do_normalize !== false;
  const mean = isNormalized ? (config.image_mean ?? defaults?.mean) : [0, 0, 0];
  const std = isNormalized ? (config.image_std ?? defaults?.std) : [1, 1, 1];
  const scaled = (values: readonly number[] | undefined) =>
    (scale === 1 ? values : (values ?? HALF.mean).map((value) => value / scale)) as Triple | undefined;
  const [ourMean, ourStd] = [scaled(mean), scaled(std)];
  return { ...(ourMean && { mean: ourMean }), ...(ourStd && { std: ourStd }) };
}

/** 1/255 is written as 0.00392156862745098 and the like. */
const nearlyOne = (scale: number) => (Math.abs(scale - 1) < 1e-6 ? 1 : scale);
