export { type EdgeGradients, edgeGradients } from "./edge-gradients.ts";
export { type ScoreOptions, scoreEdges } from "./score-edges.ts";
export { type EdgeScores, type ParsedScores, parseScores, type Scores } from "./scores.ts";
export { eigenvaluesSymmetric, singularValues, singularValuesOfGram } from "./singular-values.ts";
export { DEFAULT_ETA, entropyRank, srank } from "./srank.ts";
