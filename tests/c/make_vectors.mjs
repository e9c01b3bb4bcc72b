// Makes vectors.h, the tokens of the C and C++ tests: `node make_vectors.mjs CASES_DIRECTORY > vectors.h`.
// Needed only when the set changes: the keys of the minted tokens are made anew and forgotten.

import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Shared cases and what C must say of them, under the configuration of the baseline. */
const CASES = [
  ['baseline', 'baseline/aud-array-many', 'AUTHKIT_OK'],
  ['baseline', 'baseline/unicode-claims', 'AUTHKIT_OK'],
  ['baseline', 'baseline/no-scope-none-required', 'AUTHKIT_OK'],
  ['time', 'time/exp-past-1y', 'AUTHKIT_EXPIRED'],
  ['time', 'time/leeway-60-nbf-outside', 'AUTHKIT_NOT_YET_VALID'],
  ['time', 'time/exp-type-string-iso', 'AUTHKIT_CLAIM'],
  ['signature', 'signature/flip-first-bit', 'AUTHKIT_SIGNATURE'],
  ['aud', 'aud/v-other-resource', 'AUTHKIT_AUDIENCE'],
  ['iss', 'iss/v-nul-evil', 'AUTHKIT_ISSUER'],
  ['alg', 'alg/not-allowed-PS256', 'AUTHKIT_ALGORITHM'],
  ['alg', 'alg/confusion-HS256-n-bytes', 'AUTHKIT_ALGORITHM'],
  ['header', 'header/crit-many', 'AUTHKIT_CRITICAL_HEADER'],
  ['header', 'header/kid-format', 'AUTHKIT_UNKNOWN_KEY'],
  ['serialization', 'serialization/before-dot-nul', 'AUTHKIT_MALFORMED'],
  ['serialization', 'serialization/four-parts-full', 'AUTHKIT_MALFORMED'],
];

const cases = join(process.argv[2], '/');
const { config, jwks } = find('baseline', 'baseline/aud-array-many');
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const kid = 'minted-for-the-c-tests';

function find(file, name) {
  const lines = readFileSync(join(cases, `${file}.jsonl`), 'utf8').split('\n').filter(Boolean);
  const found = lines.map((line) => JSON.parse(line)).find((line) => line.name === name);
  if (!found) throw new Error(`no case ${name}`);
  return found;
}

/** A C literal in pieces of 90 bytes; what C could read otherwise is escaped. */
function literal(octets) {
  const pieces = [];
  for (let at = 0; at < octets.length || at === 0; at += 90) {
    const piece = [...octets.subarray(at, at + 90)].map((octet) => {
      if (octet === 0x22 || octet === 0x5c) return `\\${String.fromCharCode(octet)}`;
      const plain = octet >= 0x20 && octet < 0x7f && octet !== 0x3f; // ??= would be a trigraph
      return plain ? String.fromCharCode(octet) : `\\${octet.toString(8).padStart(3, '0')}`;
    });
    pieces.push(`    "${piece.join('')}"`);
  }
  return pieces.join('\n');
}

function text(name, value) {
  return `static const char ${name}[] =\n${literal(Buffer.from(value))};\n`;
}

/** A token of our own, good until 2100; `payload` is JSON text, for members that JSON.stringify cannot write. */
function mint(payload, header = {}) {
  const encode = (part) => Buffer.from(part).toString('base64url');
  const input = `${encode(JSON.stringify({ alg: 'ES256', kid, ...header }))}.${encode(payload)}`;
  const signature = sign('sha256', Buffer.from(input), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}

const common =
  `"iss":${JSON.stringify(config.issuer)},"aud":${JSON.stringify(config.audience)},"exp":4102444800`;
const RICH = `{${common},"sub":"user_rich","client_id":"client_1","sid":"session_1","scope":"read write",
"iat":1759999940.75,"nbf":1759999900,"org_id":"org_1","roles":["admin","m\\u00e9mber"],"permissions":[],
"mixed":["a",1],"auth_time":1759999000,"whole":7e0,"ratio":0.5,"huge":1e300,"email_verified":true,
"blocked":false,"nothing":null,"act":{"sub":"agent_1","act":{"sub":"agent_0"}},
"":"empty name"}`;
const NULS = [
  `{${common},"sub":"admin\\u0000x"}`,
  `{${common},"sub":"user_1","org_id":"a\\u0000b"}`,
  `{${common},"sub":"user_1","roles":["admin\\u0000x"]}`,
  `{${common},"sub":"user_1","admin\\u0000x":true}`,
];
const DPOP = `{${common},"sub":"user_1"}`;
const ID_TOKEN = `{${common},"sub":"user_1","client_id":"client_1","nonce":"n-0S6"}`;
const BOUND = `{${common},"sub":"user_1","client_id":"client_1","cnf":{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}`;
const NOBODYS = `{"iss":${JSON.stringify(config.issuer)},"aud":"client_1","exp":4102444800,"sub":"user_1"}`;

const jwk = { ...key.publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' };
const rows = CASES.map(([file, name, status]) => {
  const found = find(file, name);
  const octets = found.token_b64 === undefined ? Buffer.from(found.token) : Buffer.from(found.token_b64, 'base64');
  return `    {"${name}", ${status}, ${octets.length},\n${literal(octets)}},`;
});

process.stdout.write(`/* Tokens and keys of the C and C++ tests. Made by make_vectors.mjs out of the shared cases; do not edit. */

#ifndef AUTHKIT_TEST_VECTORS_H
#define AUTHKIT_TEST_VECTORS_H

#include "authkit.h"

/* The configuration that all of them are judged by. */
#define VECTOR_ISSUER "${config.issuer}"
#define VECTOR_RESOURCE "${config.audience}"
#define VECTOR_NOW "${config.now}"

/* The issuer's keys, RS256. */
${text('VECTOR_JWKS', JSON.stringify(jwks))}
struct vector {
    const char *name;
    authkit_status status;
    size_t length;
    const char *token;
};

static const struct vector VECTORS[] = {
${rows.join('\n')}
};

/* A key of ours, ES256, and tokens signed by it. */
${text('MINTED_JWKS', JSON.stringify({ keys: [jwk] }))}
/* A claim of every kind. */
${text('MINTED_RICH', mint(RICH))}
/* U+0000 in the subject, in a claim, in a list, in a name. */
static const char *const MINTED_NULS[] = {
${NULS.map((payload) => literal(Buffer.from(mint(payload)))).join(',\n')}};

/* A token of another kind. */
${text('MINTED_DPOP', mint(DPOP, { typ: 'dpop+jwt' }))}
/* An ID token for this server. */
${text('MINTED_ID_TOKEN', mint(ID_TOKEN))}
/* A token that is bound to a key. */
${text('MINTED_BOUND', mint(BOUND))}
/* A token for a client id, that no client is named in. */
${text('MINTED_NOBODYS', mint(NOBODYS))}
#endif
`);
