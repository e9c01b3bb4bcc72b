// Verifies the access token on standard input, configured by the environment (AUTHKIT_DOMAIN, AUTHKIT_BASE_URL ...).

import { text } from "node:stream/consumers";

const [token] = (await text(process.stdin)).split(/\r?\n/, 1);

// [readme]
import { AuthKitError, Verifier } from "authkit-verifier";

let refusal;
try {
  const verifier = Verifier.fromEnv(); // once, when the server starts
  const claims = await verifier.verify(token);
  console.log(`accepted: ${claims.subject}`);
} catch (error) {
  if (!(error instanceof AuthKitError)) throw error;
  console.log(`${error.code}, HTTP ${error.httpStatus}: ${error.reason}`);
  refusal = error;
}
// [/readme]

if (refusal?.hint) {
  console.log(`hint: ${refusal.hint}`);
}
// 0 accepted, 1 refused, 2 a wrong configuration, 3 no keys
process.exitCode = refusal ? ({ CONFIG: 2, KEYS_UNAVAILABLE: 3 }[refusal.code] ?? 1) : 0;
