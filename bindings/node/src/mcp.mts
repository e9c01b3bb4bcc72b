// What `import "authkit-verifier/mcp"` gives: the very class and functions of src/mcp.ts, not a second copy.

export { OAuthTokenVerifier, authkitRouter, checkScopes, requireAuthKit, requireScopes } from "./mcp.js";
export type {
  AuthInfo,
  AuthKitOptions,
  AuthorizedRequest,
  Claims,
  ErrorsOfSdk1,
  ErrorsOfSdk2,
  Middleware,
  Next,
  RouterOptions,
  TokenVerifierOptions,
} from "./mcp.js";
