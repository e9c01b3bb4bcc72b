// What becomes of each verdict on the SDKs' own path, `requireBearerAuth({ verifier: new OAuthTokenVerifier(…) })`, beside
// `requireAuthKit()`. The columns are what is so, not what should be: where they differ, the SDK cannot say it.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { requireBearerAuth as requireBearerAuth2 } from '@modelcontextprotocol/express';
import * as errors1 from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth as requireBearerAuth1 } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import * as errors2 from '@modelcontextprotocol/server';
import { Verifier } from 'authkit-verifier';
import { OAuthTokenVerifier, requireAuthKit } from 'authkit-verifier/mcp';
import express from 'express';
import { startIssuer } from './support/issuer.mjs';

const RESOURCE = 'https://mcp.example.com/mcp';
const HOUR = 3600;
const now = Math.floor(Date.now() / 1000);
const expired = { iat: now - 2 * HOUR, exp: now - HOUR };
const bearer = (token) => ({ authorization: `Bearer ${token}` });

/**
 * A request, by what is minted and what is sent, and its answers: the status, the challenge's `error`, and whether the
 * challenge names the scope.
 */
const CASES = [
  { what: 'a good token', ours: '200', sdk1: '200', sdk2: '200' },
  { what: 'no token', send: () => ({}), ours: '401, scope', sdk1: '401 invalid_token', sdk2: '401 invalid_token' },
  {
    what: 'another scheme',
    send: () => ({ authorization: 'Basic dXNlcjpwYXNz' }),
    ours: '401, scope', sdk1: '401 invalid_token', sdk2: '401 invalid_token',
  },
  {
    what: 'a good token and something after it',
    send: (token) => bearer(`${token} and-more`),
    ours: '400 invalid_request, scope', sdk1: '200', sdk2: '200',
  },
  {
    what: 'a good token, and one in the query',
    query: '?access_token=another',
    ours: '400 invalid_request, scope', sdk1: '200', sdk2: '200',
  },
  { what: 'not a JWT', send: () => bearer('opaque'), ours: '401 invalid_token, scope', sdk1: '401 invalid_token', sdk2: '401 invalid_token' },
  { what: 'expired', claims: expired, ours: '401 invalid_token, scope', sdk1: '401 invalid_token', sdk2: '401 invalid_token' },
  {
    what: 'expired a moment ago, within the leeway',
    claims: { iat: now - HOUR, exp: now - 5 },
    ours: '200', sdk1: '401 invalid_token', sdk2: '401 invalid_token',
  },
  {
    what: 'for another server',
    claims: { aud: 'https://other.example/mcp' },
    ours: '401 invalid_token, scope', sdk1: '401 invalid_token', sdk2: '401 invalid_token',
  },
  {
    what: 'forged',
    options: { signer: 'foreign' },
    ours: '401 invalid_token, scope', sdk1: '401 invalid_token', sdk2: '401 invalid_token',
  },
  {
    what: 'from an issuer with a quote in its name',
    claims: { iss: 'https://"evil".example' },
    ours: '401 invalid_token, scope', sdk1: '401 invalid_token', sdk2: '401 invalid_token',
  },
  {
    what: 'without the scope',
    claims: { scope: 'openid' },
    ours: '403 insufficient_scope, scope', sdk1: '403 insufficient_scope', sdk2: '403 insufficient_scope',
  },
  {
    what: 'expired and without the scope',
    claims: { ...expired, scope: 'openid' },
    ours: '401 invalid_token, scope', sdk1: '401 invalid_token', sdk2: '401 invalid_token',
  },
];

let issuer;
let server;

before(async () => {
  issuer = await startIssuer();
  server = await open();
});
after(() => {
  server.close();
  return issuer.end();
});

for (const { what, claims = {}, options, send = bearer, query = '', ...expected } of CASES) {
  test(`${what}: ${inWords(expected)}`, async () => {
    const token = await issuer.mint({ aud: RESOURCE, ...claims }, options);
    const answers = await ask(server, query, send(token));
    assert.deepEqual(Object.fromEntries(Object.entries(answers).map(([way, answer]) => [way, answer.outcome])), expected);
  });
}

test('the keys cannot be had: ours 503 with Retry-After; SDK 1.x and 2.x 500, since they have no way to say it', async () => {
  const cold = await open();
  const token = await issuer.mint({ aud: RESOURCE });
  await issuer.outage(500);
  try {
    const { ours, sdk1, sdk2 } = await ask(cold, '', bearer(token));
    assert.equal(ours.outcome, '503');
    assert.match(ours.headers.get('retry-after'), /^[1-9]\d*$/);
    for (const { outcome, headers, body } of [sdk1, sdk2]) {
      assert.equal(outcome, '500');
      assert.equal(headers.get('retry-after'), null);
      assert.equal(JSON.parse(body).error, 'server_error');
    }
  } finally {
    await issuer.outage(0);
    cold.close();
  }
});

test('all three ways tell the tools the same of who calls', async () => {
  const { ours, sdk1, sdk2 } = await ask(server, '', bearer(await issuer.mint({ aud: RESOURCE })));
  const caller = JSON.parse(ours.body);
  assert.equal(caller.resource, RESOURCE);
  assert.deepEqual(JSON.parse(sdk1.body), caller);
  assert.deepEqual(JSON.parse(sdk2.body), caller);
});

/** A server with one verifier and the three ways to it; its keys are not there yet. */
async function open() {
  const verifier = new Verifier({
    authkitDomain: issuer.url,
    resource: RESOURCE,
    requiredScopes: ['mcp:read'],
    allowInsecureLoopback: true,
  });
  const { resourceMetadataUrl } = verifier;
  const app = express();
  app.use('/ours', requireAuthKit({ verifier }));
  app.use('/sdk1', requireBearerAuth1({ verifier: new OAuthTokenVerifier({ verifier, errors: errors1 }), resourceMetadataUrl }));
  app.use('/sdk2', requireBearerAuth2({ verifier: new OAuthTokenVerifier({ verifier, errors: errors2 }), resourceMetadataUrl }));
  app.use((request, response) => { response.json(request.auth); });
  const listening = app.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return listening;
}

/** The answer of each way. */
async function ask(listening, query, headers) {
  const ways = ['ours', 'sdk1', 'sdk2'].map(async (way) => {
    const response = await fetch(`http://127.0.0.1:${listening.address().port}/${way}${query}`, { headers });
    return [way, { outcome: outcomeOf(response), headers: response.headers, body: await response.text() }];
  });
  return Object.fromEntries(await Promise.all(ways));
}

function outcomeOf({ status, headers }) {
  const challenge = headers.get('www-authenticate');
  if (challenge === null) return String(status);
  const parameters = parametersOf(challenge);
  assert.equal(parameters.resource_metadata, 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp');
  return `${status}${parameters.error ? ` ${parameters.error}` : ''}${parameters.scope ? ', scope' : ''}`;
}

/** A challenge's parameters, of one that RFC 9110 §11.2 lets pass: tokens and quoted strings. */
function parametersOf(challenge) {
  const parameter = /([a-z_]+)="((?:[^"\\]|\\.)*)"/y;
  assert.match(challenge, /^Bearer /);
  parameter.lastIndex = 'Bearer '.length;
  const parameters = {};
  for (;;) {
    const match = parameter.exec(challenge);
    assert.ok(match, `not a challenge: ${challenge}`);
    parameters[match[1]] = match[2];
    const end = match.index + match[0].length;
    if (end === challenge.length) return parameters;
    assert.equal(challenge.slice(end, end + 2), ', ');
    parameter.lastIndex = end + 2;
  }
}

function inWords({ ours, sdk1, sdk2 }) {
  return ours === sdk1 && ours === sdk2 ? `${ours} all three ways` : `ours ${ours}; SDK 1.x ${sdk1}; SDK 2.x ${sdk2}`;
}
