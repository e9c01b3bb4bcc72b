// What `import "authkit-verifier/fastify"` gives: the very plugins of src/fastify.ts, not a second copy.

export { authkit, authkitRouter, requireScopes } from "./fastify.js";
export type { AuthInfo, AuthKitOptions, Claims, RouterOptions } from "./fastify.js";
