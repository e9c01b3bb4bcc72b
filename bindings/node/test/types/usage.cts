// The same types by require.

import authkit = require("authkit-verifier");

const verifier: authkit.Verifier = new authkit.Verifier({ authkitDomain: "https://example.authkit.app" });
export const verdict: Promise<authkit.Claims> = verifier.verify("token");
export const refusal: authkit.AuthKitError = new authkit.TokenError({
  code: "EXPIRED",
  status: 2051,
  httpStatus: 401,
  reason: "the token expired",
});
