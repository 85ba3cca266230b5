import type { EdgeKind } from "../adapters/index.ts";

/** Colours of a picture or page, for light and dark readers. */
export interface Theme {
  readonly paper: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly faint: string;
  /** Of lines that stand for edges; told apart by eyes that confuse red and green, 3 : 1 or more against the paper. */
  readonly kinds: Readonly<Record<EdgeKind, string>>;
}

export const LIGHT: Theme = {
  ...{ paper: "#ffffff", ink: "#1d2330", soft: "#5d6675", line: "#b4bcc8", faint: "#dfe3e9" },
  kinds: { sequential: "#1d2330", parallel: "#0b62c4", "long-range": "#b85c00", recurrent: "#c2206f" },
};
export const DARK: Theme = {
  ...{ paper: "#11141b", ink: "#e8ebf1", soft: "#a0a9b8", line: "#4b5466", faint: "#2b3240" },
  kinds: { sequential: "#e8ebf1", parallel: "#6cabff", "long-range": "#ffae57", recurrent: "#ff7ab3" },
};

/** Both at once: the page's CSS `color-scheme` picks, so that a page can change it. No picture alone may rely on that. */
const either = (light: string, dark: string): string => `light-dark(${light},${dark})`;
export const PAGE: Theme = {
  paper: either(LIGHT.paper, DARK.paper),
  ink: either(LIGHT.ink, DARK.ink),
  soft: either(LIGHT.soft, DARK.soft),
  line: either(LIGHT.line, DARK.line),
  faint: either(LIGHT.faint, DARK.faint),
  kinds: {
    sequential: either(LIGHT.kinds.sequential, DARK.kinds.sequential),
    parallel: either(LIGHT.kinds.parallel, DARK.kinds.parallel),
    "long-range": either(LIGHT.kinds["long-range"], DARK.kinds["long-range"]),
    recurrent: either(LIGHT.kinds.recurrent, DARK.kinds.recurrent),
  },
};

/** Whom a picture is drawn for: `auto` follows the reader's system wherever it is shown, `page` the page it stands in. */
export type ThemeChoice = "auto" | "light" | "dark" | "page";

/** Rules for the chosen theme; for `auto` the light ones, and the dark ones where the reader's system is dark. */
export function themed(rules: (theme: Theme) => string, choice: ThemeChoice = "auto"): string {
  if (choice !== "auto") return rules({ light: LIGHT, dark: DARK, page: PAGE }[choice]);
  return `${rules(LIGHT)}@media (prefers-color-scheme:dark){${rules(DARK)}}`;
}

export const FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif';

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text for XML and HTML; control characters that XML forbids are dropped. */
export const xmlText = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to drop
  text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "").replace(/[&<>"']/g, (found) => escapes[found]!);

/** JSON that may stand in a script element: nothing in it ends the element or begins a comment. */
export const scriptJson = (value: object): string => JSON.stringify(value).replaceAll("<", "\\u003c");

/** Four to ten round numbers that lie between two, for an axis. */
export function ticksOf(low: number, high: number): readonly number[] {
  const rough = (high - low || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, k) => Number(((first + k) * step).toPrecision(6)));
}
