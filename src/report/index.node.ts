export { checkFonts, svgToPng } from "./png.node.ts";
