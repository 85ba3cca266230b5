import { type DataType, elementCount } from "../graph/index.ts";
import type { HostTensor, Session } from "./session.ts";

/** Arrays for float32 outputs of known shape, to be written by run after run. */
export const outputBuffers = (session: Session, names: Iterable<string>): Record<string, HostTensor> =>
  Object.fromEntries(
    [...names].map((name) => {
      const shape = (session.outputTypes.get(name)?.shape ?? []).map(Number);
      return [name, { dtype: "float32" satisfies DataType, shape, data: new Float32Array(elementCount(shape)) }];
    }),
  );
