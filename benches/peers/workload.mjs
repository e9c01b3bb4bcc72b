// Makes what is verified: node workload.mjs DIRECTORY NUMBER writes, for each algorithm, a directory of
//
//   tokens        so many distinct tokens in AuthKit's shape, one a line; RS256: 1.2 KB; token: the first of them
//   refused       tokens that every verifier must refuse
//   jwks.json     the issuer's two keys; jwk.json and public.pem: the one that signs the tokens
//   issuer, audience   what a verifier is told to accept
//   settings.json      the same as our settings

import { constants, createHash, generateKeyPairSync, sign } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [directory, number] = process.argv.slice(2);

const ISSUER = "https://example-12345.authkit.app";
const RESOURCE = "https://mcp.example.com/mcp";
const HOUR = 3600;
const NOW = Math.floor(Date.now() / 1000);

const ALGORITHMS = {
  RS256: {
    pair: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    sign: (key, input) => sign("sha256", input, { key, padding: constants.RSA_PKCS1_PADDING }),
  },
  ES256: {
    pair: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
    sign: (key, input) => sign("sha256", input, { key, dsaEncoding: "ieee-p1363" }),
  },
  EdDSA: {
    pair: () => generateKeyPairSync("ed25519"),
    sign: (key, input) => sign(null, input, key),
  },
};

const PERMISSIONS = ["billing", "users", "docs", "teams", "hooks"].flatMap((of) => [`${of}:read`, `${of}:edit`]);

/** An identifier as AuthKit's are, the same on every run. */
function ulid(...of) {
  const digest = createHash("sha256").update(of.join(" ")).digest("hex");
  return `01${digest.slice(0, 24).toUpperCase()}`;
}

function claims(at) {
  return {
    iss: ISSUER,
    // A text in one half of the tokens, a list in the other.
    aud: at % 2 ? RESOURCE : [RESOURCE],
    sub: `user_${ulid("sub", at)}`,
    sid: `session_${ulid("sid", at)}`,
    jti: ulid("jti", at),
    client_id: `client_${ulid("client")}`,
    org_id: `org_${ulid("org", at)}`,
    role: "admin",
    roles: ["admin", "member"],
    permissions: PERMISSIONS,
    scope: "openid profile email",
    iat: NOW - HOUR,
    exp: NOW + 1000 * HOUR,
  };
}

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function made(name) {
  const { pair, sign: signed } = ALGORITHMS[name];
  const [ours, other] = [pair(), pair()];
  const header = { alg: name, kid: `sso_oidc_key_pair_${ulid(name, "ours")}` };
  const token = (payload, { privateKey } = ours) => {
    const input = `${encoded(header)}.${encoded(payload)}`;
    return `${input}.${signed(privateKey, Buffer.from(input)).toString("base64url")}`;
  };
  const jwk = ({ publicKey }, kid) => ({ ...publicKey.export({ format: "jwk" }), use: "sig", alg: name, kid });
  const one = jwk(ours, header.kid);
  const jwks = { keys: [jwk(other, `sso_oidc_key_pair_${ulid(name, "other")}`), one] };
  const good = claims(0);
  const [head, payload, signature] = token(good).split(".");
  const tokens = Array.from({ length: Number(number) }, (_, at) => token(claims(at)));
  return {
    tokens,
    token: tokens[0],
    refused: [
      token({ ...good, exp: NOW - HOUR }),
      token({ ...good, aud: "https://other.example.com/mcp" }),
      token({ ...good, iss: "https://other-12345.authkit.app" }),
      token(good, other),
      `${head}.${payload}.${signature.slice(0, 40)}${signature[40] === "A" ? "B" : "A"}${signature.slice(41)}`,
      `${encoded({ ...header, alg: "none" })}.${payload}.`,
    ],
    "jwks.json": JSON.stringify(jwks),
    "jwk.json": JSON.stringify(one),
    "public.pem": ours.publicKey.export({ format: "pem", type: "spki" }),
    issuer: ISSUER,
    audience: RESOURCE,
    "settings.json": JSON.stringify({ authkit_domain: ISSUER, resource: RESOURCE, algorithms: [name], jwks }),
  };
}

for (const name of Object.keys(ALGORITHMS)) {
  mkdirSync(join(directory, name), { recursive: true });
  for (const [file, content] of Object.entries(made(name))) {
    writeFileSync(join(directory, name, file), Array.isArray(content) ? content.join("\n") + "\n" : content);
  }
}
