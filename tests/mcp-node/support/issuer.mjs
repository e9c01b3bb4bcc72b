// The local authorization server in a process of its own, and what a test does to it.

import { fileURLToPath } from 'node:url';
import { start } from './process.mjs';

const SERVER = fileURLToPath(new URL('../../authorization-server/server.mjs', import.meta.url));

export async function startIssuer() {
  const child = await start(SERVER, '--exit-with-stdin');
  return new Issuer(JSON.parse(child.line), child.end);
}

class Issuer {
  #admin;

  constructor({ issuer, admin }, end) {
    this.url = issuer;
    this.#admin = admin;
    this.end = end;
  }

  /** A token with a good one's claims, but for these; `options` as of `POST /test/mint`. */
  async mint(claims, options = {}) {
    return (await this.#post('mint', { claims, ...options })).token;
  }

  /** Signs with a new key from now on; `drop_old` withdraws the others. */
  rotate(options = {}) {
    return this.#post('rotate', options);
  }

  /** The keys' address answers this HTTP status, or "reset", until it is 0. */
  outage(status) {
    return this.#post('outage', { status });
  }

  /** How often the keys were asked for so far. */
  async keyRequests() {
    const response = await fetch(`${this.#admin}/requests`);
    return (await response.json())['/oauth2/jwks'] ?? 0;
  }

  async #post(path, body) {
    const response = await fetch(`${this.#admin}/${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: HTTP ${response.status} ${await response.text()}`);
    return response.json();
  }
}
