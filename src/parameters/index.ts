export {
  type DeclaredParameters,
  declareParameters,
  type Entry,
  layoutOf,
  type Parameter,
  type ParameterLayout,
  packVectors,
  parameterCount,
  unpackVectors,
  type Vectors,
  zeroVectors,
} from "./layout.ts";
