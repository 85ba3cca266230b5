/** ONNX's operators whose result differs from call to call, whatever they are fed. */
export const RANDOM_OPERATORS: ReadonlySet<string> = new Set([
  "Bernoulli",
  "Multinomial",
  "RandomNormal",
  "RandomNormalLike",
  "RandomUniform",
  "RandomUniformLike",
]);
