// The package's own native functions, to be watched: a test may replace one in place.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

export const native = require("../../dist/library.js").native();

/** Calls `seen` with the arguments of each call of a native function that follows; returns the way back. */
export function watch(name, seen) {
  const original = native[name];
  native[name] = (...parameters) => {
    const result = original(...parameters);
    seen(parameters, result);
    return result;
  };
  if (original.async) {
    native[name].async = (...parameters) => {
      const done = parameters.pop();
      original.async(...parameters, (problem, result) => {
        seen(parameters, result);
        done(problem, result);
      });
    };
  }
  return () => {
    native[name] = original;
  };
}
