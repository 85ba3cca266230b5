/**
 * Files that come with the package, by name. This file stays one folder below the root, where its bundled copy in dist/
 * is too: the URLs hold in both, and bundlers see the pattern they know.
 */
export const embeddedModels: Readonly<Record<string, URL>> = {
  vit: new URL("../assets/vit.onnx", import.meta.url),
};
