// What `import "authkit-verifier/express"` gives: the very functions of src/express.ts, not a second copy.

export { authkitRouter, requireAuthKit, requireScopes } from "./express.js";
export type {
  AuthInfo,
  AuthKitOptions,
  AuthorizedRequest,
  Claims,
  Middleware,
  Next,
  RouterOptions,
} from "./express.js";
