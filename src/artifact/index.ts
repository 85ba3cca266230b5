export {
  ADAPTERS_JSON,
  ADAPTERS_TENSORS,
  type AdaptersDescription,
  decodeAdapters,
  encodeAdapters,
  parseAdaptersDescription,
} from "./adapters-file.ts";
export { exportModel, LOGITS } from "./export-model.ts";
