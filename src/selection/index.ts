export { type Budget, type Limits, openBudget, type PlacementCost } from "./budget.ts";
export {
  type ChooseMethodCall,
  type ChooseSettings,
  type ChosenMethod,
  chooseMethod,
  choosingWork,
  type SelectionTrial,
} from "./choose-method.ts";
export { gga } from "./gga.ts";
export { DEFAULT_GAMMA } from "./gradient-guided.ts";
export { isTaskSelector, parseSelector, type SelectorSpec, standIn } from "./parse-selector.ts";
export { chooserOf, type SelectOptions, select } from "./select.ts";
export {
  assumedSites,
  isInformed,
  type MethodSpec,
  methodUsages,
  needsScores,
  needsSiteScores,
  parseMethod,
  type SelectedMethod,
  type SelectMethodOptions,
  selectMethod,
} from "./select-method.ts";
export type { CountPoint, SelectedEdge, Selection, Ties } from "./selector.ts";
