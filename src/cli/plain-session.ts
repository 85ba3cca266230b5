import { InferenceSession, Tensor } from "onnxruntime-node";
import type { ImageInput } from "../backbone/index.ts";
import { type ImageSplit, imagesAt } from "../tasks/index.ts";

/** Logits of a split from an ONNX file in a plain ONNX Runtime session: nothing of graft but the reading of pictures. */
export async function predictPlainly(
  file: string,
  { height, width, mean, std }: ImageInput,
  split: ImageSplit,
): Promise<Float32Array> {
  const session = await InferenceSession.create(file);
  const logits: number[] = [];
  for (let index = 0; index < split.count; index++) {
    const images = imagesAt(split, [index], { height, width, mean, std, batchSize: 1 });
    const result = await session.run({
      [session.inputNames[0]!]: new Tensor("float32", images, [1, 3, height, width]),
    });
    logits.push(...(result.logits!.data as Float32Array));
  }
  await session.release();
  return Float32Array.from(logits);
}
