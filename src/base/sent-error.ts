import { GraftError } from "./errors.ts";

/** An error between threads and processes: what a message can carry of it. */
export interface SentError {
  readonly code: string;
  readonly thing: string;
  readonly place: string;
  readonly remedy: string;
  readonly stack?: string;
}

export const sentError = ({ code, thing, place, remedy, stack }: GraftError): SentError => ({
  code,
  thing,
  place,
  remedy,
  stack,
});

export function receivedError({ code, stack, ...details }: SentError): GraftError {
  const error = new GraftError(code, details);
  if (stack !== undefined) error.stack = stack;
  return error;
}
