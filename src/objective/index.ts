export { crossEntropy, linearHead, type Pooling, pool, pooledSize } from "./classification.ts";
