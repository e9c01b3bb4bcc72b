// What the package gives, to `require` and to `import`.

export { Verifier } from "./verifier.js";
export type { EnvironmentOptions } from "./verifier.js";
export {
  AuthKitError,
  ConfigError,
  InsufficientScopeError,
  InternalError,
  InvalidRequestError,
  KeysUnavailableError,
  KeyUnconfirmedError,
  MisuseError,
  NoCredentialsError,
  TokenError,
  WouldBlockError,
} from "./errors.js";
export { EVENT_CHANNEL, watchEvents } from "./events.js";
export type { ErrorCode, ErrorDetails } from "./errors.js";
export type { Claims, ClaimsData, Json, JsonObject } from "./claims.js";
export type { Algorithm, IssuerOptions, VerifierOptions } from "./options.js";
export type { Event, EventWatch, WatchOptions } from "./events.js";
export type { LogLine } from "./log.js";
export type { DroppedKeyStats, HeaderStats, IssuerStats, KeyStats, Stats, TokenCacheStats } from "./stats.js";
export type { AuthorizeOptions, VerifyOptions } from "./policy.js";
export type { Decision, Response } from "./response.js";
