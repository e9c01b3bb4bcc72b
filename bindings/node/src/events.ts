// Events: what happens to a verifier's keys, taken when asked for, or on a timer for a callback or a channel.

import { defect, misuse } from "./errors.js";
import type { Native, Pointer } from "./native.js";
import { kindOf } from "./octets.js";
import type { Verifier } from "./verifier.js";

/** The name of the `diagnostics_channel` that {@link watchEvents} publishes on. */
export const EVENT_CHANNEL = "authkit-verifier:event";

/**
 * Something that happened to an issuer's keys; `event` tells the kinds apart, and a later release of
 * the library may send others. None holds a token or a claim's value; what an issuer chose in one is
 * escaped to printable ASCII and cut short. Frozen.
 */
export type Event = Happening &
  (
    | {
        /** A document came, or was confirmed; `changed` is whether it differs from the one before. */
        readonly event: "fetched";
        readonly source: "network" | "file";
        readonly changed: boolean;
        /** How long it counts as fresh, in seconds. */
        readonly ttl: number;
        readonly milliseconds: number;
      }
    /** A fetch failed, the last of so many in a row. */
    | { readonly event: "failed"; readonly reason: string; readonly failures: number }
    /** The keys in force are others than before: the ids that came, and those that verify nothing now. */
    | { readonly event: "rotated"; readonly added: readonly string[]; readonly removed: readonly string[] }
    /** An entry of the key set, at this place from 0, is not used. */
    | { readonly event: "key_dropped"; readonly index: number; readonly kid: string | null; readonly reason: string }
    /** Unknown key ids came too fast to ask for each; in so many seconds one may cause a fetch again. */
    | { readonly event: "throttled"; readonly retry_after: number }
    /** Keys past their time to live, so many seconds old, are used, since newer ones cannot be had. */
    | { readonly event: "stale_served"; readonly age: number }
    /** The issuer's clock is so many seconds ahead of this machine's: more than the leeway. */
    | { readonly event: "skew_seen"; readonly skew: number }
    /** The shared key file could not be used; the issuer was asked in its place. */
    | { readonly event: "shared_file_refused"; readonly reason: string }
    /** An operator should know something about how keys are fetched. Comes when the verifier is made. */
    | { readonly event: "warned"; readonly reason: string }
  );

interface Happening {
  /** Counts the verifier's events from 1; a gap means that some were lost. */
  readonly sequence: number;
  /** When, in Unix seconds by this machine's clock. */
  readonly time: number;
  /** As configured. */
  readonly issuer: string;
  /** "jwks", or "authorization_server" for an issuer's metadata. */
  readonly document: string;
  /** "warning" if an operator should look. */
  readonly level: "info" | "warning";
  /** One sentence for a log, with the issuer in front. */
  readonly message: string;
}

/** The longest that a timer of Node's waits, in milliseconds. */
const LONGEST_INTERVAL = 2 ** 31 - 1;

/** How {@link watchEvents} goes about it. */
export interface WatchOptions {
  /** Milliseconds between two looks, above 0; from 2^31 on they are 24 days. Default: 1000. */
  interval?: number | undefined;
  /** Called with each event, in place of the channel. */
  callback?: ((event: Event) => void) | undefined;
}

/** A watch that is going on. It does not keep the process. */
export interface EventWatch {
  /** Delivers at once what has happened since the last look. */
  drain(): void;
  /** Delivers what is left and ends the watch. */
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * Takes a verifier's events on a timer and publishes each on the `diagnostics_channel`
 * {@link EVENT_CHANNEL}, or gives it to a callback. Ends by itself when the verifier is closed; until
 * then it keeps it. Two watches of one verifier share its events out between them.
 */
export function watchEvents(verifier: Verifier, options: WatchOptions = {}): EventWatch {
  const { interval = 1000, callback } = options;
  if (typeof interval !== "number" || !(interval > 0)) {
    throw misuse("the interval is not a number of milliseconds");
  }
  if (callback !== undefined && typeof callback !== "function") {
    throw misuse(`the callback is ${kindOf(callback)}`);
  }
  const events = diagnostics().channel(EVENT_CHANNEL);
  const deliver = callback ?? ((event: Event) => events.publish(event));
  const drain = () => {
    if (verifier.closed) {
      clearInterval(timer);
      return;
    }
    verifier.events().forEach(deliver);
  };
  // Node would turn a longer interval into 1 ms.
  const timer = setInterval(drain, Math.min(interval, LONGEST_INTERVAL)).unref();
  const close = () => {
    drain();
    clearInterval(timer);
  };
  return { drain, close, [Symbol.dispose]: close };
}

/** Loaded when it is asked for, since few watch. */
function diagnostics(): typeof import("node:diagnostics_channel") {
  return require("node:diagnostics_channel") as typeof import("node:diagnostics_channel");
}

export function takeEvents(native: Native, verifier: Pointer): Event[] {
  const events: Event[] = [];
  for (let event = native.verifierNextEvent(verifier); event !== null; event = native.verifierNextEvent(verifier)) {
    try {
      const json = native.eventJson(event, null);
      if (json === null) {
        throw defect("an event cannot be read");
      }
      events.push(JSON.parse(json, (_name, value) => Object.freeze(value)) as Event);
    } finally {
      native.eventFree(event);
    }
  }
  return events;
}
