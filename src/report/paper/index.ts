export { fileName, type PaperReport, type PaperResults, paperReports } from "./paper-report.ts";
