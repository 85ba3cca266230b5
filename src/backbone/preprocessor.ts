import * as z from "zod";
import { GraftError } from "../base/index.ts";
import type { BackboneOptions } from "./open-backbone.ts";

/** What graft reads of a Hugging Face `preprocessor_config.json`; unknown keys are other tools' business. */
const Preprocessor = z.object({
  image_mean: z.array(z.number()).length(3).optional(),
  image_std: z.array(z.number().positive()).length(3).optional(),
  do_normalize: z.boolean().optional(),
  size: z
    .union([
      z.int().positive(),
      z.object({ height: z.int().positive(), width: z.int().positive() }),
      z.object({ shortest_edge: z.int().positive() }),
    ])
    .optional(),
  crop_size: z
    .union([z.int().positive(), z.object({ height: z.int().positive(), width: z.int().positive() })])
    .optional(),
});

/**
 * Picture settings from a `preprocessor_config.json`: mean, std, and the side of the (cropped) picture.
 * @param place  the file's path, for errors
 * @throws GraftError PREPROCESSOR_CONFIG
 */
export function parsePreprocessor(json: string, place: string): Pick<BackboneOptions, "mean" | "std" | "imageSize"> {
  const refuse = (problem: string, cause?: unknown) =>
    new GraftError("PREPROCESSOR_CONFIG", {
      thing: "preprocessor_config.json",
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
  const result = Preprocessor.safeParse(parsed);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw refuse(`${issue?.path.join(".") || "it"}: ${issue?.message}`, result.error);
  }
  const { image_mean, image_std, do_normalize, size, crop_size } = result.data;
  const imageSize = sideOf(crop_size) ?? sideOf(size);
  const [mean, std] =
    do_normalize === false
      ? [
          [0, 0, 0],
          [1, 1, 1],
        ]
      : [image_mean, image_std];
  return {
    ...(mean && { mean: mean as unknown as readonly [number, number, number] }),
    ...(std && { std: std as unknown as readonly [number, number, number] }),
    ...(imageSize !== undefined && { imageSize }),
  };
}

function sideOf(size: z.output<typeof Preprocessor>["size"] | z.output<typeof Preprocessor>["crop_size"]) {
  if (size === undefined || typeof size === "number") return size;
  return "height" in size ? size.height : size.shortest_edge;
}
