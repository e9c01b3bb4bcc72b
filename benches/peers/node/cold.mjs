// From a process's start to its first verdict, in Node: cold.mjs CASE DIRECTORY; the case `bare` verifies nothing.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [kind, directory] = process.argv.slice(2);
const read = (name) => readFileSync(`${directory}/${name}`, "utf8").split("\n", 1)[0];
const [authkitDomain, resource, jwks, token] = ["issuer", "audience", "jwks.json", "tokens"].map(read);

if (kind === "authkit") {
  const { Verifier } = createRequire(new URL("../../../bindings/node/package.json", import.meta.url))("authkit-verifier");
  console.log((await new Verifier({ authkitDomain, resource, jwks }).verify(token)).subject);
} else if (kind !== "bare") {
  const { VERIFIERS } = await import("./verifiers.mjs");
  console.log(await VERIFIERS[kind](directory)(token));
}
