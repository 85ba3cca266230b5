export { type PaperMarkdownOptions, paperMarkdown } from "./paper-markdown.ts";
export { fileName, type PaperReport, paperReport } from "./paper-report.ts";
