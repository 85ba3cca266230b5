export { decodeSafetensors, encodeSafetensors, readSafetensors, type Safetensors } from "./safetensors.ts";
