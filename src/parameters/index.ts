export {
  type DeclaredParameters,
  declareParameters,
  type Entry,
  layoutOf,
  type Parameter,
  type ParameterLayout,
  type ParameterVector,
  packVectors,
  parameterCount,
  unpackVectors,
  type Vectors,
  zeroVectors,
} from "./layout.ts";
