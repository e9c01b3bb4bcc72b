// Stats: what a verifier has and has done, as the library writes it.

import { OK, defect, takeError } from "./errors.js";
import { pointerSlot, slotPointer, type Native, type Pointer } from "./native.js";

/** A moment's state of a verifier, and counts since it was made. Later releases may add members. */
export interface Stats {
  readonly issuers: readonly IssuerStats[];
  /** Tokens judged, by "OK" or the code of their refusal; outcomes that never came are left out. */
  readonly verdicts: Readonly<Record<string, number>>;
  readonly token_cache: TokenCacheStats;
  /** Events that were lost because nobody took them in time. */
  readonly events_lost: number;
}

/** Verified tokens that are kept. */
export interface TokenCacheStats {
  readonly entries: number;
  /** About how much memory they take. */
  readonly bytes: number;
  /** Verdicts "OK" for which no signature was checked. */
  readonly hits: number;
}

/** One issuer's keys, how fresh they are and how their fetches went. Times are seconds. */
export interface IssuerStats {
  readonly issuer: string;
  /** null where the keys were given. */
  readonly jwks_url: string | null;
  readonly keys: readonly KeyStats[];
  readonly dropped: readonly DroppedKeyStats[];
  /** "stale": past their time to live, used in an outage; "expired": past the hard limit, not used. */
  readonly standing: "none" | "given" | "fresh" | "refresh_due" | "stale" | "expired";
  readonly source: "network" | "file" | "given" | null;
  readonly age: number | null;
  readonly ttl: number | null;
  readonly next_refresh: number | null;
  /** Counts the key sets that differed from the one before. */
  readonly generation: number;
  readonly fetches: number;
  readonly failures: number;
  readonly consecutive_failures: number;
  readonly last_failure: string | null;
  readonly retry_after: number | null;
  /** Answers that nothing has changed (HTTP 304). */
  readonly not_modified: number;
  /** Tokens with unknown key ids that were refused without asking the issuer again. */
  readonly throttled: number;
  /** Verdicts by stale keys. */
  readonly stale_served: number;
  /** The issuer's clock less this machine's. */
  readonly skew: number | null;
  readonly headers: HeaderStats | null;
}

/** A key in use. */
export interface KeyStats {
  readonly kid: string | null;
  readonly alg: string;
}

/** An entry of the key set that is not used: its place in the document from 0, its id, and why. */
export interface DroppedKeyStats {
  readonly index: number;
  readonly kid: string | null;
  readonly reason: string;
}

/** Headers of the last answer that bear on freshness, escaped to printable ASCII and cut short. */
export interface HeaderStats {
  readonly date: string | null;
  readonly age: string | null;
  readonly cache_control: string | null;
  readonly etag: string | null;
  readonly expires: string | null;
}

const outSlot = pointerSlot();
const errorSlot = pointerSlot();

export function takeStats(native: Native, verifier: Pointer): Stats {
  const status = native.verifierStats(verifier, outSlot, errorSlot);
  const stats = slotPointer(outSlot);
  if (status !== OK || stats === null) {
    throw takeError(native, status, errorSlot);
  }
  try {
    const json = native.statsJson(stats, null);
    if (json === null) {
      throw defect("the stats cannot be read");
    }
    return JSON.parse(json) as Stats;
  } finally {
    native.statsFree(stats);
  }
}
