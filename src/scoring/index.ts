export { type EstimateScoringOptions, estimateScoring } from "./estimate-scoring.ts";
export { type ScoreOptions, scoreEdges } from "./score-edges.ts";
export { type EdgeScores, type ParsedScores, parseScores, type Scores } from "./scores.ts";
export { DEFAULT_ETA } from "./srank.ts";
