import sharp from "sharp";

/** Pixels [3, side, side] as a PNG, enlarged smoothly where a size [width, height] is given. */
export async function writePicture(
  file: string,
  pixels: Uint8Array,
  side: number,
  size?: readonly [width: number, height: number],
): Promise<void> {
  const interleaved = Uint8Array.from(
    { length: 3 * side * side },
    (_, k) => pixels[(k % 3) * side * side + Math.floor(k / 3)]!,
  );
  const picture = sharp(interleaved, { raw: { width: side, height: side, channels: 3 } });
  await (size ? picture.resize(size[0], size[1], { fit: "fill", kernel: "cubic" }) : picture).png().toFile(file);
}
