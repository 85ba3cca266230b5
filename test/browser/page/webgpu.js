// An app's entry that brings the build of ONNX Runtime with WebGPU.
import * as graft from "onnx-graft";
import * as ort from "onnxruntime-web/webgpu";
import { trainUntil } from "../scenarios.ts";

const notes = [];
const openOn = (device) =>
  graft.openBackbone("builtin:vit", { ort, threads: 1, device, onNote: (text) => notes.push(text) });

globalThis.page = {
  trainUntil: (device, ...rest) => trainUntil({ ...graft, openBackbone: () => openOn(device) }, ...rest),
  notes: () => notes,
};
