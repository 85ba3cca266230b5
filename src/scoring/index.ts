export {
  commonStates,
  compareScores,
  rankDifference,
  type ScoreComparison,
  type TopOverlap,
} from "./compare-scores.ts";
export type { Confidence } from "./confidence.ts";
export { type EdgeCoupling, type EdgeCouplingOptions, edgeCoupling } from "./edge-coupling.ts";
export {
  type EstimateScoringOptions,
  estimateScoring,
  type ScoringEstimate,
  scoringPasses,
} from "./estimate-scoring.ts";
export { knownScore } from "./known-scores.ts";
export type { Coarse, CoarseOptions } from "./score-coarsely.ts";
export { type ScoreOptions, scoreEdges, scoreEdgesBy } from "./score-edges.ts";
export { bestSites, checkSiteCount, type SiteOptions, scoreSites, scoreSitesBy } from "./score-sites.ts";
export { DEFAULT_SCORE, describeScores, type ScoreName, scoreNames } from "./scores/index.ts";
export { DEFAULT_ETA } from "./scores/srank.ts";
export { type EdgeScores, type ParsedScores, parseScores, type Scores } from "./scores.ts";
export { parseSiteScores, type RankedSites, type SiteScore, type SiteScores } from "./site-scores.ts";
export { isOnStride } from "./stride.ts";
