export { AUTHORED_TYPES, type AuthorOptions, authoredType, authorFromSafetensors } from "./author-from-safetensors.ts";
