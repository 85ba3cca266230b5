/** How a claim of the paper fared. */
export type Outcome = "confirmed" | "not confirmed" | "unclear";

export interface Verdict {
  /** What the paper says, in our words. */
  readonly claim: string;
  /** When we call it confirmed, and when not; set before the numbers were there. */
  readonly rule: string;
  readonly outcome: Outcome;
  /** The numbers that decided. */
  readonly because: string;
}

/** A number that is known within bounds; undefined bounds leave all open. */
export interface Bounded {
  readonly low: number | undefined;
  readonly high: number | undefined;
}

export const isAbove = ({ low }: Bounded, value = 0): boolean => low !== undefined && low > value;
export const isBelow = ({ high }: Bounded, value = 0): boolean => high !== undefined && high < value;

/** A share of a metric in points of %, with its sign where it is a difference. */
export const points = (value: number): string => (100 * value).toFixed(1).replace("-", "−");

/** `+1.2 [−0.3, +2.7]` in points. */
export function difference({ mean, low, high }: Bounded & { readonly mean: number }): string {
  const signed = (value: number) => `${value > 0 ? "+" : ""}${points(value)}`;
  return low === undefined || high === undefined ? signed(mean) : `${signed(mean)} [${signed(low)}, ${signed(high)}]`;
}

export const correlation = (value: number): string => value.toFixed(2).replace("-", "−");
