const word = new Float32Array(1);
const bits = new Uint32Array(word.buffer);

/** The number a binary16 bit pattern stands for. */
export function fromFloat16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The binary16 bit pattern nearest to `value`; ties to even, as IEEE 754 rounds. */
export function toFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00; // halfway between the largest half and the next power of two
  // One unit in the last place: 2^-24 for subnormals, 2^(e - 10) otherwise.
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 2 ** -14)));
  const adjusted = size < 2 ** exponent && exponent > -14 ? exponent - 1 : exponent;
  const units = roundHalfEven(size / 2 ** (adjusted - 10));
  return sign | (units + (adjusted + 14) * 1024);
}

/** The number a bfloat16 bit pattern stands for: the upper half of a float32. */
export function fromBfloat16(half: number): number {
  bits[0] = half << 16;
  return word[0]!;
}

/** The bfloat16 bit pattern nearest to `value`; ties to even. */
export function toBfloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  word[0] = value;
  const whole = bits[0]!;
  return ((whole + 0x7fff + ((whole >>> 16) & 1)) >>> 16) & 0xffff;
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
