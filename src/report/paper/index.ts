export { fileName, type PaperReport, paperReport } from "./paper-report.ts";
