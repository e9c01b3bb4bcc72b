// What a verdict at once does without, each module loaded when it is first needed, so that a process starts sooner.

import type { Handle } from "./handle.js";
import type { Native } from "./native.js";
import type { Waiting } from "./waiting.js";

type Events = typeof import("./events.js");
type Policy = typeof import("./policy.js");
type Response = typeof import("./response.js");
type Stats = typeof import("./stats.js");

/** Loads once, when first asked. */
function later<T>(load: () => T): () => T {
  let loaded: T | undefined;
  return () => (loaded ??= load());
}

const events = later(() => require("./events.js") as Events);
const policy = later(() => require("./policy.js") as Policy);
const response = later(() => require("./response.js") as Response);
const stats = later(() => require("./stats.js") as Stats);
const waiting = later(() => require("./waiting.js") as typeof import("./waiting.js"));

/** The name of the `diagnostics_channel` that {@link watchEvents} publishes on. */
export const EVENT_CHANNEL: Events["EVENT_CHANNEL"] = "authkit-verifier:event";

/**
 * Takes a verifier's events on a timer and publishes each on the `diagnostics_channel`
 * {@link EVENT_CHANNEL}, or gives it to a callback. Ends by itself when the verifier is closed; until
 * then it keeps it. Two watches of one verifier share its events out between them.
 */
export const watchEvents: Events["watchEvents"] = (...asked) => events().watchEvents(...asked);
export const takeEvents: Events["takeEvents"] = (...asked) => events().takeEvents(...asked);

export const policyOf: Policy["policyOf"] = (native, options) =>
  options === undefined ? null : policy().policyOf(native, options);

export const allowed: Response["allowed"] = (claims) => response().allowed(claims);
export const decisionOf: Response["decisionOf"] = (...left) => response().decisionOf(...left);
export const takeResponse: Response["takeResponse"] = (...left) => response().takeResponse(...left);
export const dropResponse: Response["dropResponse"] = (...left) => response().dropResponse(...left);

export const takeStats: Stats["takeStats"] = (...asked) => stats().takeStats(...asked);

export function newWaiting(native: Native, handle: Handle): Waiting {
  return new (waiting().Waiting)(native, handle);
}
