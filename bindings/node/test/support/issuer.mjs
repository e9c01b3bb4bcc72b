// An issuer for tests: signs tokens and serves its keys over HTTP on a free port, as slowly and as badly as told.

import { createServer } from "node:http";
import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";

export const RESOURCE = "https://mcp.example.com/mcp";

export function makeKey(kid) {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" };
  return { kid, privateKey, jwk };
}

/** A signed token. `claims` may hold anything; a string is taken as the payload's very text. */
export function mint(key, claims, header = {}) {
  const part = (value) =>
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
  const input = `${part({ alg: "RS256", kid: key.kid, ...header })}.${part(claims)}`;
  return `${input}.${sign("sha256", Buffer.from(input), key.privateKey).toString("base64url")}`;
}

/** Claims as AuthKit sends them. */
export function claimsOf(issuer, changes = {}) {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: issuer,
    aud: RESOURCE,
    sub: "user_01",
    client_id: "client_01",
    scope: "openid mcp:read",
    iat: now,
    exp: now + 300,
    ...changes,
  };
}

/** A verifier's options for static keys and no network. */
export function staticOptions(key, changes = {}) {
  return {
    authkitDomain: "https://issuer.example.com",
    resource: RESOURCE,
    jwks: { keys: [key.jwk] },
    ...changes,
  };
}

/** Static keys, and a token of theirs. */
export function offline(changes = {}) {
  const key = makeKey("key-1");
  const options = staticOptions(key);
  return { key, options, token: mint(key, claimsOf(options.authkitDomain, changes)) };
}

export async function startIssuer() {
  const issuer = new Issuer();
  await issuer.start();
  return issuer;
}

class Issuer {
  keys = [makeKey("key-1")];
  /** How many times the keys were asked for. */
  requests = 0;
  /** How the next answers begin: 200 sends the keys. */
  httpStatus = 200;
  /** Milliseconds that an answer takes. */
  slowness = 0;
  /** When the last answer was given, by `performance.now()`. */
  answeredAt = 0;
  #server = createServer((request, response) => this.#answer(request, response));
  #held = [];
  #holding = false;

  async start() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    this.options = { authkitDomain: this.url, resource: RESOURCE, allowInsecureLoopback: true };
  }

  mint(changes, key = this.keys[0]) {
    return mint(key, claimsOf(this.url, changes));
  }

  /** From now on a request waits for `release()`. */
  hold() {
    this.#holding = true;
  }

  release() {
    this.#holding = false;
    for (const answer of this.#held.splice(0)) {
      answer();
    }
  }

  /** The next time that the keys are asked for. */
  asked() {
    return once(this.#server, "request");
  }

  /** Resolves when the keys have been asked for so many times. */
  async askedTimes(count) {
    while (this.requests < count) {
      await this.asked();
    }
  }

  stop() {
    this.release();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #documents() {
    return {
      "/oauth2/jwks": { keys: this.keys.map((key) => key.jwk) },
      "/.well-known/oauth-authorization-server": {
        issuer: this.url,
        authorization_endpoint: `${this.url}/oauth2/authorize`,
        token_endpoint: `${this.url}/oauth2/token`,
        jwks_uri: `${this.url}/oauth2/jwks`,
        response_types_supported: ["code"],
      },
    };
  }

  #answer(request, response) {
    this.requests++;
    const answer = () => {
      this.answeredAt = performance.now();
      const document = this.#documents()[request.url];
      if (document === undefined) {
        response.writeHead(404).end();
      } else if (this.httpStatus === 200) {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify(document));
      } else {
        response.writeHead(this.httpStatus).end();
      }
    };
    if (this.#holding) {
      this.#held.push(answer);
    } else if (this.slowness > 0) {
      setTimeout(answer, this.slowness);
    } else {
      answer();
    }
  }
}
