import { readFileChecked } from "../base/index.node.ts";
import { decodeSafetensors } from "../formats/index.ts";
import type { Head } from "../training/index.ts";

/**
 * The head in a safetensors file, such as the `adapters.safetensors` of a trained folder: its tensors `head.weight` and
 * `head.bias`. Whether they fit is for who uses them to check.
 * @throws GraftError FILE_*, SAFETENSORS
 */
export async function readHead(path: string): Promise<Head> {
  const { tensors } = decodeSafetensors(await readFileChecked(path), path);
  return new Map([...tensors].filter(([name]) => name.startsWith("head.")));
}
