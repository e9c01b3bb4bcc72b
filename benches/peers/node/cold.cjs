// As cold.mjs, in a program that loads by require: cold.cjs CASE DIRECTORY, of the cases `bare` and `authkit`.

const { readFileSync } = require("node:fs");

const [kind, directory] = process.argv.slice(2);
const read = (name) => readFileSync(`${directory}/${name}`, "utf8");
const [authkitDomain, resource, jwks, token] = ["issuer", "audience", "jwks.json", "token"].map(read);

async function judge() {
  const { Verifier } = require("../../../bindings/node/dist/index.js");
  return (await new Verifier({ authkitDomain, resource, jwks }).verify(token)).subject;
}

Promise.resolve(kind === "bare" || judge()).then((verdict) => {
  process.exitCode = verdict ? 0 : 1;
});
