// CORS for the MCP endpoint itself, where the host leaves it to this package (Fetch standard section 3.2).

import { misuse } from "./errors.js";
import { kindOf } from "./octets.js";

/** What a browser says of a request that a page of another origin makes; by the header's name in lower case. */
export type HeaderOf = (name: string) => string | undefined;

const METHODS = "GET, POST, DELETE";
const EXPOSED = "WWW-Authenticate, Retry-After, Mcp-Session-Id, MCP-Protocol-Version, DPoP-Nonce";

export class Cors {
  readonly #origins: ReadonlySet<string> | "all" | "none";

  constructor(setting: boolean | readonly string[] | undefined) {
    this.#origins = originsOf(setting);
  }

  /** What to add to the answer, whatever it is. */
  headers(header: HeaderOf): Record<string, string> {
    const allowed = this.#allowed(header("origin"));
    if (this.#origins === "none" || allowed === undefined) {
      return this.#vary();
    }
    return { ...this.#vary(), "access-control-allow-origin": allowed, "access-control-expose-headers": EXPOSED };
  }

  /** The whole answer to a preflight, which carries no token; undefined for any other request. */
  preflight(method: string, header: HeaderOf): Record<string, string> | undefined {
    const allowed = this.#allowed(header("origin"));
    if (method !== "OPTIONS" || header("access-control-request-method") === undefined || allowed === undefined) {
      return undefined;
    }
    const asked = header("access-control-request-headers");
    return {
      vary: "Origin, Access-Control-Request-Headers",
      "access-control-allow-origin": allowed,
      "access-control-allow-methods": METHODS,
      // Whatever was asked for, since MCP has headers with names of the server's choice (Mcp-Param-…).
      ...(asked !== undefined && /^[\w\-, ]*$/.test(asked) && { "access-control-allow-headers": asked }),
      "access-control-max-age": "600",
    };
  }

  /** Where the answer depends on the origin, a cache must know. */
  #vary(): Record<string, string> {
    return typeof this.#origins === "string" ? {} : { vary: "Origin" };
  }

  #allowed(origin: string | undefined): string | undefined {
    if (origin === undefined || this.#origins === "none") {
      return undefined;
    }
    if (this.#origins === "all") {
      return "*";
    }
    return this.#origins.has(origin) ? origin : undefined;
  }
}

function originsOf(setting: boolean | readonly string[] | undefined): ReadonlySet<string> | "all" | "none" {
  if (setting === undefined || typeof setting === "boolean") {
    return setting === true ? "all" : "none";
  }
  if (!Array.isArray(setting)) {
    throw misuse(`cors is ${kindOf(setting)}, neither a boolean nor an array of origins`);
  }
  for (const origin of setting) {
    // An extension's origin is opaque to URL: it has no `origin`, but no path either.
    if (typeof origin !== "string" || !/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+$/.test(origin)) {
      throw misuse(`cors: ${JSON.stringify(origin)} is no origin, such as https://app.example.com`);
    }
  }
  return new Set(setting);
}
