// The signing keys: made at start, rotated on demand, published as AuthKit publishes them.

import { createHash, generateKeyPair, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { newId } from './ids.mjs';

const generate = promisify(generateKeyPair);

export class Keys {
  /** Every published key; the first one signs. */
  published;
  #retired;

  static async create() {
    const keys = new Keys();
    keys.published = [await newKey()];
    return keys;
  }

  get current() {
    return this.published[0];
  }

  /** The key that signed before the last rotation; before any rotation, one that was never published. */
  async retired() {
    this.#retired ??= await newKey();
    return this.#retired;
  }

  async rotate({ dropOld }) {
    const key = await newKey();
    this.#retired = this.current;
    this.published = dropOld ? [key] : [key, ...this.published];
  }

  /** The JWK Set that clients fetch. */
  publicJwks() {
    return { keys: this.published.map(({ kid, publicKey, certificate }) => {
      const { kty, n, e } = publicKey.export({ format: 'jwk' });
      return {
        use: 'sig', alg: 'RS256', kid, kty, n, e,
        x5c: [certificate.toString('base64')],
        'x5t#S256': createHash('sha256').update(certificate).digest('base64url'),
      };
    }) };
  }

  /** The JWK Set that the provider signs with. */
  privateJwks() {
    return { keys: this.published.map(({ kid, privateKey }) => (
      { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid }
    )) };
  }
}

export async function newKey() {
  const { publicKey, privateKey } = await generate('rsa', { modulusLength: 2048 });
  return {
    kid: newId('sso_oidc_key_pair_'),
    publicKey,
    privateKey,
    certificate: selfSignedCertificate(publicKey, privateKey),
  };
}

/** An X.509 v1 certificate (RFC 5280 §4.1) in DER, valid for a day before and ten years after now. */
function selfSignedCertificate(publicKey, privateKey) {
  const sequence = (...parts) => der(0x30, ...parts);
  const sha256WithRsa = sequence(der(0x06, Buffer.from('2a864886f70d01010b', 'hex')), der(0x05));
  const commonName = sequence(der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from('local AuthKit')));
  const name = sequence(der(0x31, commonName));
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(15)]);
  const day = 86_400_000;
  const toBeSigned = sequence(
    der(0x02, serial),
    sha256WithRsa,
    name,
    sequence(utcTime(Date.now() - day), utcTime(Date.now() + 3650 * day)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = sign('sha256', toBeSigned, privateKey);
  return sequence(toBeSigned, sha256WithRsa, der(0x03, Buffer.from([0]), signature));
}

function utcTime(milliseconds) {
  const digits = new Date(milliseconds).toISOString().replace(/\D/g, '');
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`));
}

function der(tag, ...parts) {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}
