export { siteMatrix } from "./beside.ts";
export { ADAPTER_LEARNING_RATE, learningRateOf } from "./learning-rate.ts";
export { HEAD_ALONE, type Method, MethodSchema } from "./method.ts";
export { describeMethod, methodOf, startTensors } from "./method-kinds.ts";
export { type MethodArguments, type MethodName, type NamedMethod, namedMethods } from "./named-methods.ts";
export { findSites, type Site } from "./sites.ts";
export {
  bakedModel,
  goalOutput,
  headWidth,
  POOLED,
  pooledFeatures,
  type TunedSpec,
  tunedOutput,
  tunedParameters,
  upToFeatures,
} from "./tuned.ts";
