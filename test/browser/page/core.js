// An app that brings no ONNX Runtime of its own.
import { openBackbone } from "onnx-graft";

globalThis.page = { openBackbone };
