// The endpoints under /test/: what a test does to the server that no client could do.

import { mint, publicKeyPem } from './mint.mjs';

/** State that the admin endpoints change and the server obeys. */
export class TestControls {
  #outage;
  #requests = new Map();

  count(path) {
    this.#requests.set(path, (this.#requests.get(path) ?? 0) + 1);
  }

  requests() {
    return Object.fromEntries(this.#requests);
  }

  forgetRequests() {
    this.#requests.clear();
  }

  /** `status`: an HTTP error to answer with, "reset" to drop the connection, or 0 to end the outage. */
  setOutage({ status, seconds = Infinity }) {
    const valid = status === 0 || status === 'reset' || (Number.isInteger(status) && status >= 300 && status <= 599);
    if (!valid) throw new TypeError('status must be 300 to 599, "reset", or 0 to end the outage');
    if (!(typeof seconds === 'number' && seconds > 0)) throw new TypeError('seconds must be a positive number');
    this.#outage = status === 0 ? undefined : { status, until: Date.now() + seconds * 1000 };
  }

  get outage() {
    return this.#outage && Date.now() < this.#outage.until ? this.#outage.status : undefined;
  }
}

/** Answers a request for `/test/…` with `[status, type, body]`. */
export async function answerAdmin(route, body, { issuer, keys, controls, onRotate }) {
  switch (route) {
    case 'POST /test/mint':
      return json(200, { token: await mint(body, { issuer, keys }) });
    case 'POST /test/rotate':
      await keys.rotate({ dropOld: body.drop_old === true });
      onRotate();
      return json(200, { kid: keys.current.kid, kids: keys.published.map(({ kid }) => kid) });
    case 'POST /test/outage':
      controls.setOutage(body);
      return json(200, { status: controls.outage ?? 0 });
    case 'GET /test/requests':
      return json(200, controls.requests());
    case 'DELETE /test/requests':
      controls.forgetRequests();
      return json(200, {});
    case 'GET /test/public-key.pem':
      return [200, 'application/x-pem-file', publicKeyPem(keys)];
    default:
      return json(404, { error: `no such test endpoint: ${route}` });
  }
}

export function json(status, value) {
  return [status, 'application/json', JSON.stringify(value)];
}
