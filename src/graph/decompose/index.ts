export { decompose } from "./decompose.ts";
