export { crossEntropy, headParameters, linearHead, type Pooling, pool, pooledSize } from "./classification.ts";
