const FIGURES: ReadonlySet<string> = new Set(["value", "loss", "metric"]);

/** For `JSON.parse` of runs and trials: JSON has null for a metric or a loss that is no number, and it is NaN again. */
export const readFigure = (key: string, value: unknown): unknown =>
  value === null && FIGURES.has(key) ? Number.NaN : value;

/** The same of what another has parsed already. */
export const withFigures = <T>(parsed: T): T => JSON.parse(JSON.stringify(parsed), readFigure);
