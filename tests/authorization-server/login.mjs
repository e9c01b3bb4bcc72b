// A headless OAuth login as an MCP client does it: `node login.mjs --issuer URL --resource URL [--scope "…"]`.

import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as oauth from 'openid-client';
import { CookieJar } from 'tough-cookie';

// Nothing listens here: the last redirect is read, not followed.
export const REDIRECT_URI = 'http://127.0.0.1/callback';
const MOST_HOPS = 10;

/**
 * Registers a public client at `issuer` and logs in with PKCE; the token's audience is `resource`.
 * Without `resource` the request names none, and AuthKit falls back to the environment's client id.
 * A `refresh_token` comes only when `scope` has `offline_access`.
 */
export async function login({ issuer, resource, scope = 'openid mcp:read' }) {
  const server = await oauth.dynamicClientRegistration(
    new URL(issuer),
    {
      client_name: 'authkit-verifier headless login',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    oauth.None(),
    { algorithm: 'oauth2', execute: isLoopbackHttp(issuer) ? [oauth.allowInsecureRequests] : [] },
  );
  const { client_id } = server.clientMetadata();

  const pkceCodeVerifier = oauth.randomPKCECodeVerifier();
  const expectedState = oauth.randomState();
  const target = resource === undefined ? {} : { resource };
  const authorization = oauth.buildAuthorizationUrl(server, {
    redirect_uri: REDIRECT_URI,
    scope,
    state: expectedState,
    code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...target,
  });

  const callback = await followRedirects(authorization);
  const tokens = await oauth.authorizationCodeGrant(server, callback, { pkceCodeVerifier, expectedState }, target);
  return { access_token: tokens.access_token, client_id, refresh_token: tokens.refresh_token };
}

/** Plays the browser: keeps cookies, follows each redirect, and stops at the one that comes back to the client. */
export async function followRedirects(start) {
  const jar = new CookieJar();
  let url = start;
  for (let hop = 0; hop < MOST_HOPS; hop += 1) {
    const response = await fetch(url, { redirect: 'manual', headers: { cookie: await jar.getCookieString(url.href) } });
    for (const cookie of response.headers.getSetCookie()) await jar.setCookie(cookie, url.href);
    const location = response.headers.get('location');
    if (location === null) {
      throw new Error(`login stopped at ${url.origin}${url.pathname}: ${response.status} ${await response.text()}`);
    }
    await response.body?.cancel();
    url = new URL(location, url);
    if (`${url.origin}${url.pathname}` === REDIRECT_URI) return url;
  }
  throw new Error(`login did not return to the client within ${MOST_HOPS} redirects`);
}

function isLoopbackHttp(issuer) {
  const { protocol, hostname } = new URL(issuer);
  return protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}

async function main() {
  const { values } = parseArgs({
    options: { issuer: { type: 'string' }, resource: { type: 'string' }, scope: { type: 'string' } },
  });
  if (values.issuer === undefined) throw new Error('usage: node login.mjs --issuer URL --resource URL [--scope "openid mcp:read"]');
  const { access_token } = await login(values);
  console.log(access_token);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await main().catch((error) => {
    console.error(error.cause === undefined ? error.message : `${error.message}: ${error.cause.message ?? JSON.stringify(error.cause)}`);
    process.exitCode = 1;
  });
}
