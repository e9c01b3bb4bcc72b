// From a process's start to its first verdict, in Node: cold.mjs CASE DIRECTORY; the case `bare` verifies nothing.

import { readFileSync } from "node:fs";

const [kind, directory] = process.argv.slice(2);
const read = (name) => readFileSync(`${directory}/${name}`, "utf8");
const [authkitDomain, resource, jwks, token] = ["issuer", "audience", "jwks.json", "token"].map(read);

let verdict = true;
if (kind === "authkit") {
  const { Verifier } = await import("../../../bindings/node/dist/index.mjs");
  verdict = (await new Verifier({ authkitDomain, resource, jwks }).verify(token)).subject;
} else if (kind !== "bare") {
  const { VERIFIERS } = await import("./verifiers.mjs");
  verdict = await VERIFIERS[kind](directory)(token);
}
// Printing it would take longer than making it.
process.exitCode = verdict ? 0 : 1;
