// What `import "authkit-verifier"` gives: the very classes of src/index.ts, not a second copy.

export {
  AuthKitError,
  ConfigError,
  EVENT_CHANNEL,
  InsufficientScopeError,
  InternalError,
  KeysUnavailableError,
  MisuseError,
  TokenError,
  Verifier,
  WouldBlockError,
  watchEvents,
} from "./index.js";
export type {
  Algorithm,
  Claims,
  DroppedKeyStats,
  ErrorCode,
  ErrorDetails,
  Event,
  EventWatch,
  HeaderStats,
  IssuerOptions,
  IssuerStats,
  Json,
  JsonObject,
  KeyStats,
  Stats,
  VerifierOptions,
  VerifyOptions,
  WatchOptions,
} from "./index.js";
