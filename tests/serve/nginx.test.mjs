// The recipe for nginx (examples/nginx), its very files, in Debian's nginx between real clients and servers.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startIssuer } from '../mcp-node/support/issuer.mjs';
import { start } from '../mcp-node/support/process.mjs';
import { User } from '../mcp-node/support/user.mjs';
import { ask, bearer, Connection, head } from './support/http.mjs';
import { directory, freePort, startNginx, startServe } from './support/programs.mjs';
import { startUpstream } from './support/upstream.mjs';

// Far beyond what any test takes: ends a test that hangs.
const patiently = { timeout: 60_000 };

let issuer;

before(async () => { issuer = await startIssuer(); });
after(() => issuer.end());

/** nginx, authkit and a server behind, which is ours where none is given. */
async function open(context, { edit, behind } = {}) {
  const socket = join(directory(), 'a.sock');
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const startAuthkit = () => startServe(context, { 'authkit-domain': issuer.url, 'base-url': baseUrl, 'required-scopes': 'mcp:read', listen: `unix:${socket}` });
  const authkit = await startAuthkit();
  const upstream = behind ? undefined : await startUpstream(context);
  const nginx = await startNginx(context, { port, socket, upstream: behind ?? upstream.address, edit });
  return {
    ...nginx,
    nginx,
    baseUrl,
    authkit,
    startAuthkit,
    upstream,
    address: nginx.address,
    metadata: `${baseUrl}/.well-known/oauth-protected-resource/mcp`,
    mint: (claims, options) => issuer.mint({ aud: `${baseUrl}/mcp`, ...claims }, options),
  };
}

describe('one nginx', patiently, () => {
  let run;
  const undo = [];
  before(async () => { run = await open({ after: (act) => undo.push(act) }); });
  after(() => Promise.all(undo.map((act) => act())));

  test('a good token reaches the server, which learns who calls, and not the token', async () => {
    const token = await run.mint({ sub: 'user_1', scope: 'mcp:read mcp:write', org_id: 'ü\r\nx: y' });
    const answer = await ask(run.address, '/mcp?session=1&b=%2F', [bearer(token), ['Content-Length', '0']], 'POST');
    assert.equal(answer.status, 200);
    const { url, method, headers } = JSON.parse(answer.body);
    assert.deepEqual({ url, method }, { url: '/mcp?session=1&b=%2F', method: 'POST' });
    assert.equal(headers['x-authkit-subject'], 'user_1');
    assert.equal(headers['x-authkit-scopes'], 'mcp:read mcp:write');
    assert.equal(headers['x-authkit-org-id'], '%C3%BC%0D%0Ax:%20y');
    assert.equal(headers['x-authkit-impersonated'], 'false');
    assert.equal(headers.authorization, undefined);
  });

  test('refusals arrive whole: status, one challenge, body; and nothing reaches the server', async () => {
    const good = await run.mint();
    const before = run.upstream.asked.length;
    for (const [name, target, lines, status, error] of [
      ['no token', '/mcp', [], 401, undefined],
      ['not a token', '/mcp', [bearer('x')], 401, 'invalid_token'],
      ['an expired token', '/mcp', [bearer(await run.mint({ iat: 1, exp: 2 }))], 401, 'invalid_token'],
      ['a forged token', '/mcp', [bearer(await run.mint({}, { signer: 'foreign' }))], 401, 'invalid_token'],
      ['without the scope', '/mcp', [bearer(await run.mint({ scope: 'openid' }))], 403, 'insufficient_scope'],
      ['a token in the query', `/mcp?access_token=${good}`, [bearer(good)], 400, 'invalid_request'],
      ['two tokens in a line', '/mcp', [['Authorization', `Bearer ${good}, Bearer ${good}`]], 400, 'invalid_request'],
    ]) {
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
        const answer = await ask(run.address, target, method === 'POST' ? [...lines, ['Content-Length', '0']] : lines, method);
        assert.equal(answer.status, status, `${method}, ${name}`);
        assert.equal(JSON.parse(answer.body).error, error, name);
        assert.equal(answer.headers['content-type'], 'application/json', name);
        const challenges = answer.lines.filter(([header]) => header === 'www-authenticate').map(([, value]) => value);
        assert.equal(challenges.length, 1, `${name}: ${challenges}`);
        assert.ok(challenges[0].includes(`scope="mcp:read", resource_metadata="${run.metadata}"`), name);
      }
      assert.equal((await ask(run.address, target, lines, 'HEAD')).status, status, name);
    }
    assert.equal(run.upstream.asked.length, before);
  });

  test('nginx itself refuses two Authorization lines', async () => {
    const good = bearer(await run.mint());
    const before = run.upstream.asked.length;
    assert.equal((await ask(run.address, '/mcp', [good, good])).status, 400);
    assert.equal((await ask(run.address, '/mcp', [good, ['authorization', 'x']])).status, 400);
    assert.equal(run.upstream.asked.length, before);
  });

  test('a body that is posted without a token is not passed on, and the connection goes on', async () => {
    const connection = await Connection.open(run.address);
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    const post = (lines) => head('/mcp', [...lines, ['Content-Length', String(body.length)]], 'POST') + body;
    const before = run.upstream.asked.length;
    assert.equal((await connection.ask(post([]))).status, 401);
    assert.equal(run.upstream.asked.length, before);
    assert.equal((await connection.ask(post([bearer(await run.mint())]))).status, 200);
    connection.close();
  });

  test('the server\'s own refusals are its own', async () => {
    const token = bearer(await run.mint());
    for (const status of [401, 403, 500, 503]) {
      const answer = await ask(run.address, '/mcp', [token, ['X-Answer', String(status)]]);
      assert.deepEqual([answer.status, answer.headers['www-authenticate']], [status, 'Own']);
      assert.ok(JSON.parse(answer.body).url);
    }
  });

  test('nobody says for themselves who they are', async () => {
    const names = ['Subject', 'Client-Id', 'Scopes', 'Issuer', 'Kind', 'Family', 'Expires-At', 'Org-Id', 'Session-Id', 'Role', 'Permissions', 'Impersonated', 'Actor', 'Actors'];
    const spoofed = names.flatMap((name) => [[`X-Authkit-${name}`, 'spoofed'], [`x_authkit_${name.replace('-', '_')}`, 'spoofed'], [`x-AUTHKIT-${name}`, 'spoofed']]);
    const token = await run.mint({}, { remove: ['org_id', 'sid'] });
    const answer = await ask(run.address, '/mcp', [bearer(token), ...spoofed]);
    assert.equal(answer.status, 200);
    assert.ok(!answer.body.includes('spoofed'), answer.body);
    assert.equal((await ask(run.address, '/mcp', spoofed)).status, 401);
  });

  test('nobody asks for less: neither by headers to authkit nor at its places', async () => {
    const good = bearer(await run.mint());
    const lowering = [['X-Authkit-Require-Scopes', ''], ['X-Original-URI', '/mcp'], ['X-Original-Method', 'OPTIONS'], ['X-Forwarded-Uri', '/healthz']];
    assert.equal((await ask(run.address, '/admin/', [good, ...lowering])).status, 403);
    assert.equal((await ask(run.address, '/mcp', lowering)).status, 401);
    assert.equal((await ask(run.address, '/mcp?access_token=x', [good, ...lowering])).status, 400);
    for (const place of ['/_authkit/authorize', '/_authkit/refusal', '//_authkit/authorize', '/x/../_authkit/authorize', '/_authkit%2fauthorize']) {
      const answer = await ask(run.address, place, [good]);
      assert.equal(answer.status, 404, place);
      assert.ok(!answer.lines.some(([name]) => name.startsWith('x-authkit-')), place);
    }
  });

  test('a location\'s scopes hold however its path is spelled', async () => {
    const [plain, admin] = [bearer(await run.mint()), bearer(await run.mint({ scope: 'mcp:read mcp:admin' }))];
    for (const path of ['/admin/', '/admin/x', '/%61dmin/', '/admin%2fx', '//admin/', '/mcp/../admin/', '/mcp/%2e%2e/admin/', '/./admin//x', '/admin/../admin/x']) {
      const refused = await ask(run.address, path, [plain]);
      assert.equal(refused.status, 403, path);
      assert.match(refused.headers['www-authenticate'], / scope="mcp:read mcp:admin", /);
      assert.equal((await ask(run.address, path, [admin])).status, 200, path);
    }
  });

  test('no spelling of a path gets by without a token', async () => {
    const before = run.upstream.asked.length;
    for (const path of [
      '/', '/mcp', '/mcp/', '//mcp', '/%6dcp', '/mcp/../mcp', '/.well-known', '/.well-known/', '/.well-known/x', '/.well-known/oauth-protected-resource/../../mcp',
      '/.well-known/oauth-protected-resource/..%2f..%2fmcp', '/.well-known/../mcp', '/mcp;x', '/mcp%00', '/mcp%20', '/mcp#x', 'http://test/mcp', '/healthz', '/readyz', '/metrics', '/authorize', '/MCP',
    ]) {
      const { status } = await ask(run.address, path);
      assert.ok([400, 401].includes(status), `${path}: ${status}`);
    }
    for (const path of ['/.well-known/oauth-', '/.well-known/oauth-x', '/.well-known/oauth-x/../oauth-y', '/.well-known/openid-configurationx']) {
      assert.equal((await ask(run.address, path)).status, 404, path);
    }
    assert.equal(run.upstream.asked.length, before);
  });

  test('the documents that clients read first need no token', async () => {
    for (const path of ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp']) {
      const answer = await ask(run.address, path);
      assert.equal(JSON.parse(answer.body).resource, `${run.baseUrl}/mcp`);
    }
    for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']) {
      assert.equal(JSON.parse((await ask(run.address, path)).body).issuer, issuer.url);
    }
  });

  test('events arrive when they are sent', async () => {
    const connection = await Connection.open(run.address);
    const read = [];
    connection.tap((text) => read.push(text));
    connection.send(head('/events', [bearer(await run.mint())]));
    for (const word of ['first', 'second', 'third']) {
      await until(() => run.upstream.asked.some(({ url }) => url === '/events') && read.join('').includes('200 OK'));
      run.upstream.say(word);
      await until(() => read.join('').includes(`data: ${word}`));
    }
    run.upstream.end();
    await until(() => read.join('').includes('\r\n0\r\n\r\n'));
    connection.close();
  });

  test('connections are kept, to authkit and to the server', async () => {
    const token = bearer(await run.mint());
    const connection = await Connection.open(run.address);
    await connection.ask(head('/mcp', [token]));
    const before = run.upstream.connections.size;
    for (let time = 0; time < 50; time++) assert.equal((await connection.ask(head('/mcp', [token]))).status, 200);
    assert.ok(run.upstream.connections.size <= before + 1);
    connection.close();
  });

  test('a token as long as they may be', async () => {
    const permissions = Array.from({ length: 600 }, (_, number) => `permission:${number}`);
    const token = await run.mint({ permissions });
    assert.ok(token.length > 14_000 && token.length <= 16_384, String(token.length));
    const refused = await ask(run.address, '/mcp', [bearer(token)]);
    assert.equal(refused.status, 400, 'nginx takes header lines of 8 KiB');
  });
});

test('with larger buffers nginx passes the longest token and its lists', patiently, async (context) => {
  const run = await open(context, { edit: (text) => text.replace('include authkit.conf;', 'large_client_header_buffers 4 32k; include authkit.conf;') });
  const permissions = Array.from({ length: 600 }, (_, number) => `permission:${number}`);
  const answer = await ask(run.address, '/mcp', [bearer(await run.mint({ permissions }))]);
  assert.equal(answer.status, 200);
  assert.equal(JSON.parse(answer.body).headers['x-authkit-permissions'], permissions.join(' '));
});

test('web pages of other sites: preflights are answered, refusals can be read', patiently, async (context) => {
  const run = await open(context, { edit: (text) => text.replace(/include authkit\.conf;.*/, 'include authkit.conf; include authkit_browsers.conf;') });
  const preflight = await ask(run.address, '/mcp', [['Origin', 'https://page.example'], ['Access-Control-Request-Method', 'POST']], 'OPTIONS');
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers['access-control-allow-headers'], /Authorization/);
  assert.equal(run.upstream.asked.length, 0);
  for (const [path, lines, status] of [['/mcp', [], 401], ['/mcp', [bearer(await run.mint())], 200], ['/.well-known/oauth-protected-resource', [], 200]]) {
    const answer = await ask(run.address, path, lines);
    assert.equal(answer.status, status);
    const origins = answer.lines.filter(([name]) => name === 'access-control-allow-origin');
    assert.deepEqual(origins, [['access-control-allow-origin', '*']], path);
    assert.match(answer.headers['access-control-expose-headers'], /WWW-Authenticate/);
  }
  assert.equal((await ask(run.address, '/_authkit/preflight', [bearer(await run.mint())])).status, 404);
});

test('the issuer is down: 503 while there are no keys, served where there are; rotations pass', patiently, async (context) => {
  const run = await open(context);
  const token = bearer(await run.mint());
  assert.equal((await ask(run.address, '/mcp', [token])).status, 200);
  await issuer.outage(500);
  assert.equal((await ask(run.address, '/mcp', [token])).status, 200);
  await run.authkit.end();
  await run.startAuthkit();
  const answer = await ask(run.address, '/mcp', [token]);
  assert.equal(answer.status, 503);
  assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
  assert.equal(answer.headers['www-authenticate'], undefined);
  assert.equal(JSON.parse(answer.body).error, 'temporarily_unavailable');
  assert.equal((await ask(run.address, '/mcp')).status, 401);
  await issuer.outage(0);
  await until(async () => (await ask(run.address, '/mcp', [token])).status === 200);
  await issuer.rotate({ drop_old: true });
  assert.equal((await ask(run.address, '/mcp', [bearer(await run.mint())])).status, 200);
  assert.equal((await ask(run.address, '/mcp', [token])).status, 401);
});

test('authkit is not there: nobody passes, and all is well when it is back', patiently, async (context) => {
  const run = await open(context);
  const token = bearer(await run.mint());
  await run.authkit.end('SIGKILL');
  const before = run.upstream.asked.length;
  for (const lines of [[token], []]) assert.equal((await ask(run.address, '/mcp', lines)).status, 502);
  assert.equal(run.upstream.asked.length, before);
  await run.startAuthkit();
  await until(async () => (await ask(run.address, '/mcp', [token])).status === 200);
});

test('a client of the SDK logs in and calls tools, which learn who calls', patiently, async (context) => {
  const server = await start(fileURLToPath(new URL('../mcp-node/servers/behind_proxy.mjs', import.meta.url)));
  context.after(() => server.end());
  const run = await open(context, { behind: new URL(server.line).host });
  const user = await new User(1, run.baseUrl).connect();
  context.after(() => user.close());
  const caller = await user.call('whoami');
  assert.equal(user.logins.length, 1);
  assert.equal(user.answers[0].status, 401);
  const claims = JSON.parse(Buffer.from(user.tokens.access_token.split('.')[1], 'base64url'));
  assert.equal(caller['x-authkit-subject'], claims.sub);
  assert.equal(caller['x-authkit-scopes'], claims.scope);
  assert.equal(caller.authorization, undefined);
});

async function until(look) {
  while (!await look()) await delay(10);
}
