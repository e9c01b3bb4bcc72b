// The example servers in C and C++ answer one table of requests, in good weather and in bad, while valgrind looks on.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Agent } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeKey, RESOURCE, startIssuer } from '../../bindings/node/test/support/issuer.mjs';
import { ask, bearer, call, message, SCOPE, SERVERS, startServer } from './support/native.mjs';

const HOUR = 3600;
const CLIENTS = 32;
const LONGEST_BODY = 1024 * 1024;
const METADATA_URL = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp';
const now = Math.floor(Date.now() / 1000);

const challenge = (error, scope = SCOPE) =>
  new RegExp(`^Bearer error="${error}", error_description="[^"]+", scope="${scope}", resource_metadata="${METADATA_URL}"$`);

/** What is sent with the token that the claims make, and what comes back: the status, and the challenge where there is one. */
const REFUSED = [
  { what: 'no token', send: () => ({ headers: [] }), status: 401, challenge: new RegExp(`^Bearer scope="${SCOPE}", resource_metadata="${METADATA_URL}"$`) },
  { what: 'no token, HEAD', send: () => ({ method: 'HEAD' }), status: 401, challenge: /^Bearer scope=/, text: '' },
  { what: 'no token, and no JSON', send: () => ({ body: '{' }), status: 401, challenge: /^Bearer scope=/ },
  { what: 'another scheme', send: () => ({ headers: ['authorization', 'Basic dXNlcjpwYXNz'] }), status: 401, challenge: /^Bearer scope=/ },
  { what: 'a wrong audience', claims: { aud: 'https://other.example/mcp' }, status: 401, challenge: challenge('invalid_token') },
  { what: 'an expired token', claims: { iat: now - 2 * HOUR, exp: now - HOUR }, status: 401, challenge: challenge('invalid_token') },
  { what: 'a forged token', key: makeKey('key-1'), status: 401, challenge: challenge('invalid_token') },
  { what: 'a percent-encoded token', send: (token) => ({ headers: bearer(token.replace('.', '%2E')) }), status: 400, challenge: challenge('invalid_request') },
  { what: 'two Authorization headers', send: (token) => ({ headers: [...bearer(token), ...bearer(token)] }), status: 400, challenge: challenge('invalid_request') },
  { what: 'one that is empty, and one that is not', send: (token) => ({ headers: ['authorization', '', ...bearer(token)] }), status: 400, challenge: challenge('invalid_request') },
  { what: 'a token in the query', send: (token) => ({ path: `/mcp?access_token=${token}` }), status: 400, challenge: challenge('invalid_request') },
  { what: 'a token in the query, in disguise', send: (token) => ({ path: `/mcp?%61ccess_token=${token}`, headers: bearer(token) }), status: 400, challenge: challenge('invalid_request') },
  { what: 'a missing scope', claims: { scope: 'openid' }, status: 403, challenge: challenge('insufficient_scope') },
  { what: 'a tool whose scope is missing', send: (token) => ({ headers: bearer(token), body: call('publish') }), status: 403, challenge: challenge('insufficient_scope', 'mcp:read mcp:write') },
  { what: 'GET', send: (token) => ({ method: 'GET', headers: bearer(token) }), status: 405 },
  { what: 'another path', send: (token) => ({ path: '/mcp/', headers: bearer(token) }), status: 404 },
  { what: 'a path in disguise', send: (token) => ({ path: '/%6dcp', headers: bearer(token) }), status: 404 },
  { what: 'no JSON', send: (token) => ({ headers: bearer(token), body: '{' }), status: 400 },
  { what: 'no body', send: (token) => ({ headers: bearer(token), body: '' }), status: 400 },
  { what: 'a batch', send: (token) => ({ headers: bearer(token), body: `[${call('whoami')}]` }), status: 400 },
  { what: 'an unknown protocol version', send: (token) => ({ headers: [...bearer(token), 'mcp-protocol-version', '1999-01-01'] }), status: 400 },
  { what: 'a body that says it is too long', send: (token) => ({ headers: bearer(token), body: '', length: LONGEST_BODY + 1 }), status: 413 },
];

const SERVED = [
  { what: 'whoami', body: call('whoami'), text: { subject: 'user_01', scopes: ['openid', 'mcp:read'] } },
  { what: 'whoami in chunks', body: [...call('whoami')], text: { subject: 'user_01', scopes: ['openid', 'mcp:read'] } },
  { what: 'publish', body: call('publish'), claims: { scope: 'mcp:read mcp:write' }, text: { published_by: 'user_01' } },
  { what: 'ping', body: message('ping'), result: {} },
  { what: 'initialize', body: message('initialize', { protocolVersion: '2025-06-18' }), result: initialized('2025-06-18') },
  { what: 'initialize in a version of the future', body: message('initialize', { protocolVersion: '2999-01-01' }), result: initialized('2025-11-25') },
  { what: 'an unknown method', body: message('resources/list'), code: -32601 },
  { what: 'an unknown tool', body: call('nothing'), code: -32602 },
];

function initialized(protocolVersion) {
  return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'publisher', version: '1.0.0' } };
}

// The servers side by side; what one is asked, one after the other.
describe('the example servers', { concurrency: 2, timeout: 240_000 }, () => {
  for (const [language, program] of Object.entries(SERVERS)) {
    describe(`the server in ${language}`, { concurrency: false }, () => {
      let issuer;
      let server;
      let retryAfter;
      const minted = [];
      const token = (claims, key) => {
        minted.push(issuer.mint(claims, key));
        return minted.at(-1);
      };
      const askWith = (claims, request = {}) => ask(server, { headers: bearer(token(claims)), ...request });

      before(async () => {
        issuer = await startIssuer();
        issuer.httpStatus = 500;
        server = await startServer(program, { domain: issuer.url, baseUrl: 'https://mcp.example.com' }, { wrapped: true });
      });
      after(() => issuer.stop());

      test('the issuer is down and there are no keys: 503 with Retry-After and no challenge', async () => {
        const { status, headers } = await askWith();
        assert.equal(status, 503);
        assert.match(headers['retry-after'], /^[1-9]\d*$/);
        assert.equal(headers['www-authenticate'], undefined);
        retryAfter = Number(headers['retry-after']);
        const { status: document } = await ask(server, { method: 'GET', path: '/.well-known/oauth-authorization-server' });
        assert.equal(document, 503);
      });

      test(`${CLIENTS} clients at once are served, with keys that are asked for once`, async () => {
        await delay(1000 * retryAfter);
        issuer.httpStatus = 200;
        const before = issuer.requests;
        await clientsServed(server, tokensOf(issuer));
        assert.equal(issuer.requests, before + 1);
      });

      for (const { what, claims, key, send = (made) => ({ headers: bearer(made) }), ...expected } of REFUSED) {
        test(`${what}: ${expected.status}`, async () => {
          const answer = await ask(server, send(token(claims, key)));
          assert.equal(answer.status, expected.status);
          if (expected.challenge) assert.match(answer.headers['www-authenticate'], expected.challenge);
          else assert.equal(answer.headers['www-authenticate'], undefined);
          if (expected.text !== undefined) assert.equal(answer.text, expected.text);
          assert.equal(answer.headers['access-control-allow-origin'], '*');
        });
      }

      for (const { what, claims, body, ...expected } of SERVED) {
        test(`${what} is served`, async () => {
          const answer = await askWith(claims, { body });
          assert.equal(answer.status, 200);
          assert.equal(answer.headers['content-type'], 'application/json');
          const { jsonrpc, id, result, error } = JSON.parse(answer.text);
          assert.deepEqual([jsonrpc, id, error?.code], ['2.0', 1, expected.code]);
          if (expected.text) assert.deepEqual(toolText(answer), expected.text);
          if (expected.result) assert.deepEqual(result, expected.result);
        });
      }

      test('the tools are listed', async () => {
        const { tools } = JSON.parse((await askWith({}, { body: message('tools/list') })).text).result;
        assert.deepEqual(tools.map(({ name }) => name).sort(), ['publish', 'whoami']);
        for (const { description, inputSchema } of tools) assert.ok(description && inputSchema.type === 'object');
      });

      test('a notification is accepted', async () => {
        const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' });
        const { status, text } = await askWith({}, { body });
        assert.deepEqual([status, text], [202, '']);
      });

      test('a body in chunks without end is cut off', async () => {
        const body = Array(64).fill(' '.repeat(64 * 1024));
        const status = await askWith({}, { body }).then((answer) => answer.status, ({ code }) => code);
        assert.ok([413, 'ECONNRESET', 'EPIPE'].includes(status), String(status));
        assert.equal((await askWith()).status, 200);
      });

      test('a refusal leaves the connection as it was, its body read', async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        assert.equal((await ask(server, { agent })).status, 401);
        const next = await askWith({}, { agent });
        assert.deepEqual([next.status, next.reused], [200, true]);
        agent.destroy();
      });

      for (const place of ['oauth-protected-resource', 'oauth-authorization-server', 'openid-configuration']) {
        test(`${place} is served at both places, to browsers too`, async () => {
          for (const path of [`/.well-known/${place}`, `/.well-known/${place}/mcp`]) {
            const document = await ask(server, { method: 'GET', path });
            assert.equal(document.status, 200);
            assert.equal(document.headers['access-control-allow-origin'], '*');
            const { resource, issuer: from } = JSON.parse(document.text);
            assert.equal(resource ?? from, place === 'oauth-protected-resource' ? RESOURCE : issuer.url);
            const { status, text } = await ask(server, { method: 'HEAD', path });
            assert.deepEqual([status, text], [200, '']);
            const preflight = await ask(server, { method: 'OPTIONS', path });
            assert.deepEqual([preflight.status, preflight.headers['access-control-allow-methods']], [204, 'GET, HEAD, OPTIONS']);
            assert.equal((await ask(server, { path })).status, 405);
          }
        });
      }

      test('a preflight for the endpoint needs no token', async () => {
        const headers = ['origin', 'https://page.example', 'access-control-request-method', 'POST'];
        const answer = await ask(server, { method: 'OPTIONS', headers });
        assert.equal(answer.status, 204);
        assert.match(answer.headers['access-control-allow-headers'], /authorization/);
      });

      test('the issuer is down: who is served stays served', async () => {
        issuer.httpStatus = 500;
        assert.equal((await askWith()).status, 200);
        issuer.httpStatus = 200;
      });

      test('keys are rotated: new tokens are good without a restart, and old ones as long as their key is published', async () => {
        const [old] = issuer.keys;
        const next = makeKey('key-2');
        issuer.keys = [next, old];
        for (const key of [next, old]) {
          const answer = await ask(server, { headers: bearer(token({}, key)) });
          assert.equal(answer.status, 200);
        }
      });

      test('SIGTERM ends it well, with no fault in memory and no token in the log', async () => {
        assert.equal(await server.terminate(), 0, server.log());
        assert.match(server.log(), /^resource indicator: https:\/\/mcp\.example\.com\/mcp$/m);
        assert.match(server.log(), /^answered 401: EXPIRED: /m);
        assert.match(server.log(), /^answered 403: SCOPE: .*tool publish/m);
        for (const sent of minted) assert.ok(!server.log().includes(sent.split('.')[2]), 'a token was logged');
      });
    });

    // Without valgrind, under which a busy machine takes longer than requests wait.
    test(`the server in ${language} answers who needs no keys while ${CLIENTS} clients wait for slow ones`, async (context) => {
      const issuer = await startIssuer();
      issuer.hold();
      const tokens = tokensOf(issuer); // before the server starts, and with it the time that a fetch may take
      const server = await startServer(program, { domain: issuer.url, baseUrl: 'https://mcp.example.com' });
      context.after(() => { issuer.stop(); return server.terminate(); });
      let answered = 0;
      const clients = clientsServed(server, tokens, () => { answered++; });
      await issuer.askedTimes(1);
      assert.equal((await ask(server)).status, 401);
      assert.equal((await ask(server, { method: 'GET', path: '/.well-known/oauth-protected-resource' })).status, 200);
      assert.equal(answered, 0);
      issuer.release();
      await clients;
      assert.equal(issuer.requests, 1);
    });

    test(`the server in ${language} ends well while a request waits for keys`, async () => {
      const issuer = await startIssuer();
      issuer.hold();
      const server = await startServer(program, { domain: issuer.url, baseUrl: 'https://mcp.example.com' }, { wrapped: true });
      const cut = ask(server, { headers: bearer(issuer.mint()) }).catch(({ code }) => ({ code }));
      await issuer.askedTimes(1);
      assert.equal((await ask(server)).status, 401);
      assert.equal(await server.terminate(), 0, server.log());
      issuer.stop();
      const { status, code } = await cut;
      assert.ok(status === 503 || code === 'ECONNRESET', `${status} ${code}`);
    });

    test(`the server in ${language} does not start with half a configuration`, () => {
      const { status, stderr } = spawnSync(program, { env: { AUTHKIT_DOMAIN: 'https://auth.example.com' }, encoding: 'utf8', timeout: 60_000 });
      assert.equal(status, 2);
      assert.match(stderr, /^CONFIG: AUTHKIT_BASE_URL is missing/);
    });
  }
});

/** Tokens of many clients, each with a subject of its own. */
const tokensOf = (issuer) => Array.from({ length: CLIENTS }, (_, client) => issuer.mint({ sub: `user_${client}` }));

/** Each client is told its own subject. */
async function clientsServed(server, tokens, onAnswer = () => {}) {
  await Promise.all(tokens.map(async (token, client) => {
    const answer = await ask(server, { headers: bearer(token) });
    onAnswer();
    assert.equal(answer.status, 200);
    assert.equal(toolText(answer).subject, `user_${client}`);
  }));
}

const toolText = (answer) => JSON.parse(JSON.parse(answer.text).result.content[0].text);
