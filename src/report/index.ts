export { comparisonTable } from "./comparison-table.ts";
export type { HeatMap } from "./heat-map.ts";
export { heatMapSvg } from "./heat-map-svg.ts";
export { type ColorDepth, type ColorStream, colorDepthOf, heatMapTerminal } from "./heat-map-terminal.ts";
export { methodsCsv } from "./methods-csv.ts";
export { methodsHtml } from "./methods-html.ts";
export { methodsLegend, methodsTable } from "./methods-table.ts";
export { type Column, markdownTable, type Table, terminalTable } from "./table.ts";
