// Makes any access token a test asks for, the good one and the forged ones.

import { constants, createHmac, sign } from 'node:crypto';
import { ENVIRONMENT_CLIENT, newId, ORGANIZATION, USER } from './ids.mjs';
import { newKey } from './keys.mjs';

const OPTIONS = new Set(['header', 'claims', 'remove', 'remove_header', 'signer', 'tamper']);
const SIGNERS = new Set(['current', 'retired', 'foreign', 'hs256-public-key', 'none']);

/** `options` is the JSON body of `POST /test/mint`; see README.md. */
export async function mint(options, { issuer, keys }) {
  const { header = {}, claims = {}, remove = [], remove_header = [], signer = 'current', tamper = false } = options;
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) throw new TypeError(`unknown option ${JSON.stringify(name)}`);
  }
  if (!SIGNERS.has(signer)) throw new TypeError(`signer must be one of ${[...SIGNERS].join(', ')}`);

  // Only a retired key names itself: a forger claims to be the current one.
  const { kid } = signer === 'retired' ? await keys.retired() : keys.current;
  const alg = { 'hs256-public-key': 'HS256', none: 'none' }[signer] ?? 'RS256';
  const fullHeader = without({ alg, kid, ...header }, remove_header);
  const payload = without({ ...goodClaims(issuer), ...claims }, remove);

  const input = `${encode(fullHeader)}.${encode(payload)}`;
  const signature = await signed(input, fullHeader.alg, signer, keys);
  if (!tamper) return `${input}.${signature}`;
  return `${encode(fullHeader)}.${encode({ ...payload, sub: newId('user_') })}.${signature}`;
}

function goodClaims(issuer) {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: issuer,
    aud: ENVIRONMENT_CLIENT,
    sub: USER,
    client_id: newId('client_'),
    org_id: ORGANIZATION,
    sid: newId('session_'),
    scope: 'openid profile email mcp:read mcp:write',
    jti: newId(''),
    iat: now,
    exp: now + 3600,
  };
}

async function signed(input, alg, signer, keys) {
  if (signer === 'none') return '';
  if (signer === 'hs256-public-key') {
    return createHmac('sha256', publicKeyPem(keys)).update(input).digest('base64url');
  }
  const key = signer === 'retired' ? await keys.retired() : signer === 'foreign' ? await newKey() : keys.current;
  return rsaSignature(input, alg, key.privateKey).toString('base64url');
}

/** Signs truly with the RSA algorithm that the header names, and with RS256 when it names no such algorithm. */
function rsaSignature(input, alg, key) {
  const [, family, bits] = /^([RP])S(256|384|512)$/.exec(alg) ?? [null, 'R', '256'];
  const padding = family === 'P'
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : { padding: constants.RSA_PKCS1_PADDING };
  return sign(`sha${bits}`, Buffer.from(input), { key, ...padding });
}

export function publicKeyPem(keys) {
  return keys.current.publicKey.export({ type: 'spki', format: 'pem' });
}

function without(object, names) {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

function encode(object) {
  return Buffer.from(JSON.stringify(object)).toString('base64url');
}
