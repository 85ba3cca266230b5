/** Red, green, blue, each a whole number in 0..255. */
export type Rgb = readonly [number, number, number];

/** Blue over light grey to brown: what lies on either side of nothing, for eyes that confuse red and green too. */
const divergingAnchors: readonly Rgb[] = [
  [0x0d, 0x4f, 0x9e],
  [0x7f, 0xb2, 0xdd],
  [0xe9, 0xe9, 0xe9],
  [0xec, 0xa9, 0x5f],
  [0x98, 0x47, 0x06],
];

/** Dark violet to yellow, chosen for even steps of lightness and for eyes that confuse red and green. */
const anchors: readonly Rgb[] = [
  [0x28, 0x0b, 0x53],
  [0x33, 0x4a, 0x92],
  [0x1c, 0x80, 0x97],
  [0x37, 0xb3, 0x7c],
  [0xa2, 0xd8, 0x4e],
  [0xff, 0xee, 0x6e],
];

/** Marks a chosen edge: far from every colour of the scale. */
export const markColor: Rgb = [0xff, 0x3d, 0x7f];

/** The colour at a fraction of the scale; what lies outside 0..1 is drawn at its end. Blends in OKLab. */
export const colorAt = (fraction: number): Rgb => blend(anchors, fraction);

/** The same on the scale whose middle, 0.5, is nothing. */
export const divergingColorAt = (fraction: number): Rgb => blend(divergingAnchors, fraction);

function blend(anchors: readonly Rgb[], fraction: number): Rgb {
  const at = Math.min(1, Math.max(0, fraction)) * (anchors.length - 1);
  const k = Math.min(anchors.length - 2, Math.floor(at));
  const [low, high] = [toOklab(anchors[k]!), toOklab(anchors[k + 1]!)];
  return fromOklab(low.map((value, c) => value + (at - k) * (high[c]! - value)) as Triple);
}

/** `#rrggbb`. */
export const hex = (color: Rgb): string => `#${color.map((value) => value.toString(16).padStart(2, "0")).join("")}`;

/** Relative luminance, 0 (black) to 1 (white), as WCAG 2 defines it. */
export function luminance(color: Rgb): number {
  const [red, green, blue] = color.map(toLinear) as Triple;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

type Triple = [number, number, number];

const toLinear = (byte: number): number => (byte <= 10 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4);

const toByte = (linear: number): number => {
  const value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.min(1, Math.max(0, value)));
};

/** Björn Ottosson's OKLab: sRGB → cone responses → cube roots → lightness and two opponent axes. */
function toOklab(color: Rgb): Triple {
  const [r, g, b] = color.map(toLinear) as Triple;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([lightness, a, b]: Triple): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    toByte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    toByte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    toByte(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}
