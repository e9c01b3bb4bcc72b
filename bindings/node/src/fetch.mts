// What `import "authkit-verifier/fetch"` gives: the very functions of src/fetch.ts, not a second copy.

export { requireAuthKit, wellKnown, withAuthKit } from "./fetch.js";
export type {
  AuthInfo,
  AuthKitOptions,
  AuthorizedRequest,
  Claims,
  Handler,
  HonoContext,
  HonoMiddleware,
  RouterOptions,
} from "./fetch.js";
