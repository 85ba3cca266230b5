export { atPrecision, type BackbonePrecision } from "./at-precision.ts";
export type { FrozenProducts } from "./count-products.ts";
export { floatProducts } from "./float-products.ts";
export { int8Limit } from "./int8-limit.ts";
export { type QuantizeOptions, quantizeFrozen } from "./quantize-frozen.ts";
export { settlePrecision } from "./settle-precision.ts";
