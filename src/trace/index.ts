export { bindShapes, type InputSizes } from "./bind-shapes.ts";
export { trace } from "./trace.ts";
