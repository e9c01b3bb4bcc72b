// Envoy's questions and what it makes of the answers, played by the rules of its HTTP ext_authz filter with the recipe's
// values (examples/envoy): what it asks, case by case. Envoy itself is run in recipes.test.mjs.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startIssuer } from '../mcp-node/support/issuer.mjs';
import { ask, bearer } from './support/http.mjs';
import { recipe, startServe } from './support/programs.mjs';

const BASE_URL = 'https://mcp.example.com';
const RECIPE = recipe('envoy/envoy.yaml');
const [, PREFIX] = /path_prefix: (\S+)/.exec(RECIPE);
const [, TO_SERVER] = /allowed_upstream_headers: \{patterns: \[\{prefix: ([^}]+)\}\]\}/.exec(RECIPE);
const TO_CLIENT = [.../allowed_client_headers: (.*)/.exec(RECIPE)[1].matchAll(/exact: ([^}]+)\}/g)].map(([, name]) => name);
const REMOVED = [...RECIPE.matchAll(/- remove: (\S+)/g)].map(([, name]) => name);
const STATUS_OF = { ServiceUnavailable: 503 };
const [, ON_ERROR] = /status_on_error: \{code: (\w+)\}/.exec(RECIPE);
// Far beyond what any test takes: ends a test that hangs.
const patiently = { timeout: 60_000 };

let issuer;

before(async () => { issuer = await startIssuer(); });
after(() => issuer.end());

const serve = (context) => startServe(context, { 'authkit-domain': issuer.url, 'base-url': BASE_URL, 'required-scopes': 'mcp:read', listen: '127.0.0.1:0' });
const mint = (claims) => issuer.mint({ aud: `${BASE_URL}/mcp`, ...claims });

/**
 * What Envoy does with a request: `{ passed }` with the headers that the server is sent, or `{ status, headers, body }` for
 * the client. The question has the request's own method, its path behind the prefix, its Authorization, and no body.
 * 200 alone lets it pass; a 5xx is an error of the service.
 */
async function throughEnvoy({ address }, method, path, lines) {
  const kept = lines.filter(([name]) => !REMOVED.includes(name.toLowerCase()));
  const told = kept.filter(([name]) => name.toLowerCase() === 'authorization');
  const answer = await ask(address, PREFIX + path, [...told, ['Content-Length', '0']], method);
  if (answer.status >= 500) return { status: STATUS_OF[ON_ERROR], headers: {}, body: '' };
  const select = (take) => Object.fromEntries(answer.lines.filter(([name]) => take(name)));
  if (answer.status !== 200) return { status: answer.status, headers: select((name) => TO_CLIENT.includes(name)), body: answer.body };
  const headers = Object.fromEntries(kept.map(([name, value]) => [name.toLowerCase(), value]));
  delete headers.authorization;
  return { passed: { ...headers, ...select((name) => name.startsWith(TO_SERVER)) } };
}

test('a good token passes in any method, and the server learns who calls', patiently, async (context) => {
  const authkit = await serve(context);
  const token = await mint({ sub: 'user_1', scope: 'mcp:read' });
  for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'HEAD', 'OPTIONS']) {
    for (const path of ['/mcp', '/', '/mcp?scope=x&scopes=y&refusal=403', '/a/../b//c%2f', '/authorize', '/.well-known/x', '/healthz', '/readyz', '/metrics']) {
      const { passed } = await throughEnvoy(authkit, method, path, [bearer(token), ['X-Authkit-Subject', 'spoofed'], ['X-Authkit-Role', 'spoofed']]);
      assert.ok(passed, `${method} ${path}`);
      assert.equal(passed['x-authkit-subject'], 'user_1');
      assert.equal(passed['x-authkit-role'], '');
      assert.equal(passed.authorization, undefined);
    }
  }
});

test('every header that authkit sends is one that the recipe takes from clients', patiently, async (context) => {
  const { lines } = await ask((await serve(context)).address, '/authorize/mcp', [bearer(await mint())]);
  const sent = lines.map(([name]) => name).filter((name) => name.startsWith('x-authkit-'));
  assert.deepEqual(REMOVED.filter((name) => name !== 'x-authkit-require-scopes').sort(), sent.sort());
  for (const name of sent) {
    for (const file of ['nginx/authkit_proxy.conf', 'caddy/Caddyfile']) {
      assert.ok(new RegExp(`\\b${name}\\s`, 'i').test(recipe(file)), `${file} lacks ${name}`);
    }
  }
});

test('refusals reach the client with their challenge; none passes', patiently, async (context) => {
  const authkit = await serve(context);
  const good = await mint();
  for (const [path, lines, status, error] of [
    ['/mcp', [], 401, undefined],
    ['/mcp', [bearer('x')], 401, 'invalid_token'],
    ['/mcp', [bearer(await mint({ scope: 'openid' }))], 403, 'insufficient_scope'],
    ['/mcp?scope=x', [bearer(await mint({ scope: 'openid' }))], 403, 'insufficient_scope'],
    [`/mcp?access_token=${good}`, [bearer(good)], 400, 'invalid_request'],
    ['/mcp', [bearer(good), bearer(good)], 400, 'invalid_request'],
    ['/.well-known/oauth-protected-resource', [], 401, undefined],
  ]) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const { passed, ...refused } = await throughEnvoy(authkit, method, path, lines);
      assert.equal(passed, undefined);
      assert.equal(refused.status, status, path);
      assert.equal(JSON.parse(refused.body).error, error);
      assert.match(refused.headers['www-authenticate'], /^Bearer .*resource_metadata=/);
    }
  }
});

test('without keys the client is told 503', patiently, async (context) => {
  await issuer.outage(500);
  const { status, passed } = await throughEnvoy(await serve(context), 'POST', '/mcp', [bearer(await mint())]);
  await issuer.outage(0);
  assert.deepEqual({ status, passed }, { status: 503, passed: undefined });
});
