// What `import "authkit-verifier"` gives: the very classes of src/index.ts, not a second copy.

// By require: an import of CommonJS has Node start a parser first, to find the names, which takes a
// process more time and memory than all of this package's modules do.
import authkit = require("./index.js");

export import AuthKitError = authkit.AuthKitError;
export import ConfigError = authkit.ConfigError;
export import EVENT_CHANNEL = authkit.EVENT_CHANNEL;
export import InsufficientScopeError = authkit.InsufficientScopeError;
export import InternalError = authkit.InternalError;
export import InvalidRequestError = authkit.InvalidRequestError;
export import KeysUnavailableError = authkit.KeysUnavailableError;
export import MisuseError = authkit.MisuseError;
export import NoCredentialsError = authkit.NoCredentialsError;
export import TokenError = authkit.TokenError;
export import Verifier = authkit.Verifier;
export import WouldBlockError = authkit.WouldBlockError;
export import watchEvents = authkit.watchEvents;
export type {
  Algorithm,
  AuthorizeOptions,
  Claims,
  ClaimsData,
  Decision,
  DroppedKeyStats,
  EnvironmentOptions,
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
  Response,
  Stats,
  TokenCacheStats,
  VerifierOptions,
  VerifyOptions,
  WatchOptions,
} from "./index.js";
