/** What a file that is not ONNX seems to be, and what to do about it; undefined when nothing is recognised. */
export function looksLike(bytes: Uint8Array): { readonly what: string; readonly remedy?: string } | undefined {
  if (bytes.length === 0) return { what: "it is empty" };
  const start = String.fromCharCode(...bytes.subarray(0, 64));
  const text = start.trimStart().toLowerCase();
  if (start.startsWith("version https://git-lfs")) {
    return { what: "it is a Git LFS pointer, not the file itself", remedy: "Fetch the file with `git lfs pull`" };
  }
  if (text.startsWith("<!doctype html") || text.startsWith("<html")) {
    return { what: "it is a web page", remedy: "Download the file itself, not the page that shows it" };
  }
  if (start.startsWith("PK\x03\x04")) {
    return {
      what: "it is a zip archive (PyTorch checkpoints are, too)",
      remedy: "Unpack it, or export the model to ONNX",
    };
  }
  const magic = SIGNATURES.find(([signature, at]) => start.startsWith(signature, at));
  if (magic !== undefined) return { what: `it looks like ${magic[2]}` };
  if (bytes.length > 9 && start[8] === "{" && start.slice(4, 8) === "\0\0\0\0") {
    return { what: "it looks like safetensors", remedy: "Give the ONNX file that these weights were exported to" };
  }
  if (bytes.subarray(0, 64).every((byte) => byte === 0)) return { what: "it begins with zeros" };
  if (/^[\s -~]{8,}$/.test(start)) return { what: "it looks like text" };
  return undefined;
}

const SIGNATURES: readonly [signature: string, at: number, what: string][] = [
  ["\x89PNG", 0, "a PNG picture"],
  ["\xff\xd8\xff", 0, "a JPEG picture"],
  ["RIFF", 0, "a RIFF file (WebP, WAV)"],
  ["GIF8", 0, "a GIF picture"],
  ["%PDF", 0, "a PDF"],
  ["\x1f\x8b", 0, "a gzip archive"],
  ["7z\xbc\xaf", 0, "a 7z archive"],
  ["\x89HDF", 0, "an HDF5 file (Keras)"],
  ["TFL3", 4, "a TensorFlow Lite model"],
  ["GGUF", 0, "a GGUF model"],
  ["ORTM", 4, "an ONNX Runtime format (.ort) model"],
  ["\x80\x02", 0, "a Python pickle (PyTorch)"],
  ["\x93NUMPY", 0, "a NumPy array"],
];
