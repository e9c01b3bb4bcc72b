// What `import "authkit-verifier"` gives: the very classes of src/index.ts, not a second copy.

export {
  AuthKitError,
  ConfigError,
  InsufficientScopeError,
  InternalError,
  KeysUnavailableError,
  MisuseError,
  TokenError,
  Verifier,
  WouldBlockError,
} from "./index.js";
export type {
  Algorithm,
  Claims,
  EnvironmentOptions,
  ErrorCode,
  ErrorDetails,
  IssuerOptions,
  Json,
  JsonObject,
  VerifierOptions,
  VerifyOptions,
} from "./index.js";
