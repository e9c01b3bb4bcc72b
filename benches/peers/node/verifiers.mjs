// Each verifier for Node as a function of a token that gives its claims, or throws; a promise of them where it is asynchronous.
//
// Every one is told to accept one issuer, one audience, one algorithm, and to demand an expiry. Packages are found from
// the directory that BENCH_PACKAGES names.

import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(join(process.env.BENCH_PACKAGES, "x.js")));
const ours = createRequire(new URL("../../../bindings/node/package.json", import.meta.url));

function read(directory) {
  const text = (name) => readFileSync(join(directory, name), "utf8");
  return {
    algorithm: basename(directory),
    issuer: text("issuer"),
    audience: text("audience"),
    pem: text("public.pem"),
    jwks: JSON.parse(text("jwks.json")),
  };
}

function authkit(directory, settings) {
  const { Verifier } = ours("authkit-verifier");
  const options = JSON.parse(readFileSync(join(directory, settings), "utf8"));
  const camelCase = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  return new Verifier(Object.fromEntries(Object.entries(options).map(([name, value]) => [camelCase(name), value])));
}

/** What a tool of an MCP server asks for: who, what may they, until when, and a claim by its name. */
const asked = (claims) => [claims.subject, claims.scopes, claims.expiresAt, claims.payload.org_id];

function fastJwt(directory, cache) {
  const { algorithm, issuer, audience, pem } = read(directory);
  const required = { allowedIss: issuer, allowedAud: audience, requiredClaims: ["exp", "iss", "aud"] };
  return require("fast-jwt").createVerifier({ key: pem, algorithms: [algorithm], ...required, cache });
}

export const VERIFIERS = {
  "authkit-sync": (directory, settings) => {
    const verifier = authkit(directory, settings);
    return (token) => verifier.verifySync(token);
  },
  "authkit-try": (directory, settings) => {
    const verifier = authkit(directory, settings);
    return (token) => verifier.tryVerify(token);
  },
  "authkit-claims": (directory, settings) => {
    const verifier = authkit(directory, settings);
    return (token) => asked(verifier.tryVerify(token));
  },
  "authkit-async": (directory, settings) => {
    const verifier = authkit(directory, settings);
    return async (token) => asked(await verifier.verify(token));
  },
  "aws-jwt-verify": (directory) => {
    const { issuer, audience, jwks } = read(directory);
    const verifier = require("aws-jwt-verify").JwtVerifier.create({ issuer, audience, jwksUri: `${issuer}/oauth2/jwks` });
    verifier.cacheJwks(jwks);
    return (token) => verifier.verifySync(token);
  },
  "fast-jwt": (directory) => fastJwt(directory, false),
  "fast-jwt-cache": (directory) => fastJwt(directory, true),
  jose: (directory) => {
    const { jwtVerify, createLocalJWKSet } = require("jose");
    const { algorithm, issuer, audience, jwks } = read(directory);
    const keys = createLocalJWKSet(jwks);
    const rules = { issuer, audience, algorithms: [algorithm], requiredClaims: ["exp"] };
    return async (token) => (await jwtVerify(token, keys, rules)).payload;
  },
  jsonwebtoken: (directory) => {
    const { verify } = require("jsonwebtoken");
    const { algorithm, issuer, audience, pem } = read(directory);
    const key = createPublicKey(pem);
    return (token) => verify(token, key, { algorithms: [algorithm], issuer, audience });
  },
};
