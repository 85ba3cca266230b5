import type { StudyView } from "./study-view.ts";
import { DARK, FONT, LIGHT, scriptJson, type Theme, xmlText } from "./svg.ts";

export interface StudyPageOptions {
  /** The page's program: dist/study-app.js. */
  readonly app: string;
  /** Base64 of the program's SHA-256: no other script runs in the page. */
  readonly appHash: string;
  /** Whether the page asks the server it came from for news. Default false: it needs nothing but itself. */
  readonly isLive?: boolean;
}

/** A study as one page: program, style and data inside, light or dark as the reader is. */
export function studyPage(view: StudyView, { app, appHash, isLive = false }: StudyPageOptions): string {
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${appHash}'`,
    "style-src 'unsafe-inline'",
    `connect-src ${isLive ? "'self'" : "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join(";");
  return [
    "<!doctype html>",
    '<html lang="en">',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${xmlText(view.name)}</title>`,
    `<style>${style()}</style>`,
    `<main id="app" data-live="${isLive}"></main>`,
    `<script type="application/json" id="view">${scriptJson(view)}</script>`,
    `<script>${app}</script>`,
    "</html>\n",
  ].join("\n");
}

function style(): string {
  const theme = ({ paper, ink, soft, line, faint }: Theme, accent: string) =>
    `:root{--paper:${paper};--ink:${ink};--soft:${soft};--line:${line};--faint:${faint};--accent:${accent}}`;
  return [
    theme(LIGHT, "#0b5cad"),
    `@media (prefers-color-scheme:dark){${theme(DARK, "#7fb8f5")}}`,
    `body{background:var(--paper);color:var(--ink);font:14px ${FONT};margin:1.5rem 2rem;font-variant-numeric:tabular-nums}`,
    "h1{font-size:1.3rem;margin:0 0 .3rem}h2{font-size:1rem;margin:0 0 .4rem}p{color:var(--soft);margin:.2rem 0 .6rem}",
    "main>nav{display:flex;flex-wrap:wrap;gap:.5rem;margin:.8rem 0}",
    ".panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:1.6rem 2rem}",
    "section{min-width:0}.wide{margin-top:1.6rem}figure{margin:0}figure svg{max-width:100%;height:auto;color:var(--ink);background:none}",
    "button,input,select{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);border-radius:4px;padding:.25rem .6rem}",
    "button{cursor:pointer}button[aria-pressed=true]{border-color:var(--accent);color:var(--accent);font-weight:600}",
    ":focus-visible{outline:3px solid var(--accent);outline-offset:1px}",
    ".scroll{overflow-x:auto}table{border-collapse:collapse}.trials td,.trials th{padding:.25rem .7rem;text-align:right;border-bottom:1px solid var(--faint);white-space:nowrap}",
    ".trials th button{border:0;padding:0;background:none;font-weight:600}.trials .text{text-align:left}.trials td.text{max-width:26rem;overflow:hidden;text-overflow:ellipsis}",
    '.trials th[aria-sort=ascending] button::after{content:" ↑"}.trials th[aria-sort=descending] button::after{content:" ↓"}',
    ".trials tr.chosen{background:var(--faint)}.failed{font-weight:600}.soft{color:var(--soft)}",
    ".map th{font-weight:400;font-size:11px;color:var(--soft);padding:0 2px;text-align:right}.map td{padding:0}",
    ".map button{display:block;width:var(--cell);height:var(--cell);padding:0;border:1px solid var(--paper);border-radius:2px}.map button.none{background:var(--faint)}",
    ".map button:focus-visible,.map button[aria-pressed=true]{position:relative;z-index:1;outline:3px solid var(--ink);outline-offset:0}",
    ".scale{display:inline-block;width:9rem;height:.7rem;border-radius:2px;vertical-align:middle;margin:0 .5rem}",
    "pre{background:var(--faint);padding:.6rem;overflow:auto;max-height:20rem;white-space:pre-wrap;overflow-wrap:anywhere}dialog{color:inherit;background:inherit}",
    ".filters{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:.4rem 0 .6rem}.filters input{min-width:16rem}",
  ].join("");
}
