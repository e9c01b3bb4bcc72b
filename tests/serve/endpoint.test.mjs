// `authkit serve` itself, as a proxy on this machine sees it: places, verdicts, what it takes and what it withstands.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { startIssuer as startSlowIssuer } from '../../bindings/node/test/support/issuer.mjs';
import { startIssuer } from '../mcp-node/support/issuer.mjs';
import { ask, bearer, Connection, exchange, head } from './support/http.mjs';
import { directory, refusedServe, startServe } from './support/programs.mjs';

const BASE_URL = 'https://mcp.example.com';
const RESOURCE = `${BASE_URL}/mcp`;
const METADATA = `${BASE_URL}/.well-known/oauth-protected-resource/mcp`;
// Far beyond what any test takes: ends a test that hangs.
const patiently = { timeout: 60_000 };

let issuer;

before(async () => { issuer = await startIssuer(); });
after(() => issuer.end());

const settings = (more) => ({ 'authkit-domain': issuer.url, 'base-url': BASE_URL, 'required-scopes': 'mcp:read', listen: '127.0.0.1:0', ...more });
const settingsOf = ({ url, options }) => ({ 'authkit-domain': url, resource: options.resource, listen: '127.0.0.1:0' });
const mint = (claims, options) => issuer.mint({ aud: RESOURCE, ...claims }, options);
const serve = (context, more, ...parameters) => startServe(context, settings(more), ...parameters);

test('it listens on this machine alone', patiently, async () => {
  for (const listen of ['0.0.0.0:0', '[::]:0', '192.0.2.1:80', 'localhost:0', 'mcp.example.com:80', 'unix:relative', '']) {
    const { status, told } = await refusedServe(`--listen=${listen}`);
    assert.equal(status, 2, listen);
    assert.match(told, /--listen/);
  }
  const at = directory();
  const taken = join(at, 'file');
  writeFileSync(taken, 'not a socket');
  const { status, told } = await refusedServe(`--listen=unix:${taken}`, '--resource=https://x.example/mcp', '--authkit-domain=https://x.example');
  assert.equal(status, 2);
  assert.match(told, /cannot listen on unix:/);
  assert.ok(statSync(taken).isFile(), 'what is no socket stays');
});

test('no half configuration, and no keys fetched on the loop', patiently, async () => {
  for (const flags of [[], ['--authkit-domain=https://x.example', '--resource=https://x.example/mcp', '--refresh-mode=inline']]) {
    const { status, told } = await refusedServe('--listen=127.0.0.1:0', ...flags);
    assert.equal(status, 2);
    assert.match(told, /CONFIG/);
  }
});

test('a socket is its owner\'s, or its group\'s too; one that was left behind is replaced, one in use is not', patiently, async (context) => {
  const at = directory();
  const socket = join(at, 'a.sock');
  const listen = `unix:${socket}`;
  const first = await serve(context, { listen });
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  const { status, told } = await refusedServe(...Object.entries(settings({ listen })).map(([name, value]) => `--${name}=${value}`), '--allow-insecure-loopback');
  assert.equal(status, 2);
  assert.match(told, /another program listens there/);
  assert.equal((await ask({ path: socket }, '/healthz')).status, 200);
  await first.end('SIGKILL');
  assert.ok(existsSync(socket));
  const second = await serve(context, { listen, 'socket-mode': '660' });
  assert.equal(statSync(socket).mode & 0o777, 0o660);
  assert.equal(await second.end(), 0);
  assert.ok(!existsSync(socket));
});

test('a good token: 200 and who is calling', patiently, async (context) => {
  const { address } = await serve(context);
  const claims = { sub: 'user_1', client_id: 'https://app.example/client?a=1', scope: 'mcp:read mcp:write', org_id: 'org_1', sid: 'session_1', exp: now() + 600 };
  const { status, headers, body } = await ask(address, '/authorize', [bearer(await mint(claims)), ['X-Original-URI', '/mcp?session=1']]);
  assert.equal(status, 200);
  assert.equal(body, '');
  assert.deepEqual(ours(headers), {
    'x-authkit-subject': 'user_1',
    'x-authkit-client-id': 'https://app.example/client?a=1',
    'x-authkit-scopes': 'mcp:read mcp:write',
    'x-authkit-issuer': issuer.url,
    'x-authkit-kind': 'user',
    'x-authkit-family': 'connect',
    'x-authkit-expires-at': String(claims.exp),
    'x-authkit-org-id': 'org_1',
    'x-authkit-session-id': 'session_1',
    'x-authkit-role': '',
    'x-authkit-permissions': '',
    'x-authkit-impersonated': 'false',
    'x-authkit-actor': '',
    'x-authkit-actors': '',
  });
  for (const recipe of ['nginx/authkit_proxy.conf', 'caddy/Caddyfile', 'envoy/envoy.yaml']) {
    const named = readFileSync(new URL(`../../examples/${recipe}`, import.meta.url), 'utf8').toLowerCase().replaceAll('_', '-').split(/[\s;]+/);
    for (const name of Object.keys(ours(headers))) {
      assert.ok(named.includes(name) || named.includes(`$upstream-http-${name}`), `${recipe} forgets ${name}`);
    }
  }
});

test('no claim ends a header or splits a list, and each is read back as it was', patiently, async (context) => {
  const { address } = await serve(context);
  const claims = {
    sub: 'a\r\nX-Authkit-Role: admin\r\n\r\n',
    client_id: 'ü\u2028\u{1f600}%41',
    scope: 'mcp:read a,b\u00a0c',
    org_id: ' \t\u0001\u007f ',
    permissions: ['a b', 'c,d', 'é'],
    act: { sub: 'admin"\\', act: { sub: 'a b' } },
  };
  const { status, headers, lines } = await ask(address, '/authorize', [bearer(await mint(claims))]);
  assert.equal(status, 200);
  assert.equal(lines.filter(([name]) => name === 'x-authkit-role').length, 1);
  const read = (name) => decodeURIComponent(headers[`x-authkit-${name}`]);
  const list = (name) => headers[`x-authkit-${name}`].split(' ').map(decodeURIComponent);
  for (const [name, value] of Object.entries(ours(headers))) assert.match(value, /^[!-~ ]*$/, name);
  assert.equal(read('subject'), claims.sub);
  assert.equal(read('client-id'), claims.client_id);
  assert.deepEqual(list('scopes'), ['mcp:read', 'a,b\u00a0c']);
  assert.equal(read('org-id'), claims.org_id);
  assert.deepEqual(list('permissions'), claims.permissions);
  assert.equal(read('actor'), 'admin"\\');
  assert.deepEqual(list('actors'), ['admin"\\', 'a b']);
  assert.equal(headers['x-authkit-impersonated'], 'false');
  assert.equal(headers['x-authkit-role'], '');
});

test('every refusal is the library\'s, at /authorize and at /refusal', patiently, async (context) => {
  const { address } = await serve(context);
  const good = await mint();
  const cases = [
    ['no token', [], 401, undefined],
    ['another scheme', [['Authorization', 'Basic eA==']], 401, undefined],
    ['not a token', [bearer('x')], 401, 'invalid_token'],
    ['an expired token', [bearer(await mint({ iat: now() - 7200, exp: now() - 3600 }))], 401, 'invalid_token'],
    ['a token for another', [bearer(await mint({ aud: 'https://other.example/mcp' }))], 401, 'invalid_token'],
    ['a forged token', [bearer(await mint({}, { signer: 'foreign' }))], 401, 'invalid_token'],
    ['a token without the scope', [bearer(await mint({ scope: 'openid' }))], 403, 'insufficient_scope'],
    ['two tokens', [bearer(good), bearer(good)], 400, 'invalid_request'],
    ['two in a line', [['Authorization', `Bearer ${good}, Bearer ${good}`]], 400, 'invalid_request'],
    ...['X-Original-URI', 'X-Original-URL', 'X-Forwarded-Uri'].map((name) => (
      [`a token in the query, by ${name}`, [bearer(good), [name, `/mcp?a=1&access%5Ftoken=${good}`]], 400, 'invalid_request'])),
    ['a token in one of two queries', [bearer(good), ['X-Original-URI', '/mcp'], ['X-Original-URI', '/mcp?access_token=x']], 400, 'invalid_request'],
  ];
  for (const [name, lines, status, error] of cases) {
    const answer = await ask(address, '/authorize', lines);
    assert.equal(answer.status, status, name);
    assert.equal(JSON.parse(answer.body).error, error, name);
    const challenge = answer.headers['www-authenticate'];
    assert.ok(challenge.includes(`scope="mcp:read", resource_metadata="${METADATA}"`), name);
    assert.equal(/ error="([^"]+)"/.exec(challenge)?.[1], error, name);
    assert.deepEqual(ours(answer.headers), {}, name);
    for (const [other, method] of [['/refusal', 'GET'], ['/authorize', 'POST'], ['/authorize', 'OPTIONS'], ['/authorize', 'HEAD']]) {
      const again = await ask(address, other, lines, method);
      assert.deepEqual([again.status, challengeOf(again)], [status, challenge], `${name}: ${method} ${other}`);
      if (method === 'GET') assert.equal(again.body, answer.body);
    }
    assert.equal((await ask(address, '/authorize?refusal=403', lines)).status, 403, name);
  }
});

test('a request that is refused no more is to come again: /refusal lets nobody pass', patiently, async (context) => {
  const { address } = await serve(context);
  const answer = await ask(address, '/refusal', [bearer(await mint())]);
  assert.equal(answer.status, 503);
  assert.equal(answer.headers['retry-after'], '1');
  assert.deepEqual(ours(answer.headers), {});
});

test('scopes of a place: more than the configured ones, never less, and named all at once', patiently, async (context) => {
  const { address } = await serve(context);
  const [plain, admin] = [await mint({ scope: 'mcp:read' }), await mint({ scope: 'mcp:read mcp:admin' })];
  const foreign = await mint({ scope: 'mcp:admin' });
  for (const [path, lines] of [
    ['/authorize?scope=mcp:admin', []],
    ['/authorize', [['X-Authkit-Require-Scopes', 'mcp:admin']]],
    ['/authorize', [['X-Authkit-Require-Scopes', ''], ['X-Authkit-Require-Scopes', 'mcp:admin']]],
    ['/authorize?scope=mcp:admin', [['X-Authkit-Require-Scopes', 'mcp:read']]],
  ]) {
    assert.equal((await ask(address, path, [bearer(admin), ...lines])).status, 200, path);
    assert.equal((await ask(address, path, [bearer(foreign), ...lines])).status, 403, path);
    const refused = await ask(address, path, [bearer(plain), ...lines]);
    assert.equal(refused.status, 403, path);
    assert.match(challengeOf(refused), / scope="mcp:read mcp:admin", /);
  }
  for (const [path, lines] of [
    ['/authorize?scopes=mcp:admin', []],
    ['/authorize?scope=mcp:admin&x', []],
    ['/authorize', [['X-Authkit-Require-Scopes', '"']]],
    ['/refusal?x=1', []],
  ]) {
    const failed = await ask(address, path, [bearer(admin), ...lines]);
    assert.equal(failed.status, 500, path);
    assert.deepEqual(ours(failed.headers), {}, path);
  }
});

test('the well-known documents, and nothing else', patiently, async (context) => {
  const { address } = await serve(context);
  for (const path of ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp']) {
    const { status, headers, body } = await ask(address, path);
    assert.equal(status, 200);
    assert.equal(headers['access-control-allow-origin'], '*');
    assert.deepEqual(JSON.parse(body).authorization_servers, [issuer.url]);
    assert.equal(JSON.parse(body).resource, RESOURCE);
    const { headers: { 'content-length': length }, body: none } = await ask(address, path, [], 'HEAD');
    assert.equal(none, '');
    assert.ok(length === undefined || Number(length) === body.length || Number(length) === 0);
    assert.equal((await ask(address, path, [], 'OPTIONS')).status, 204);
    assert.equal((await ask(address, path, [], 'POST')).status, 405);
  }
  const server = await ask(address, '/.well-known/oauth-authorization-server');
  assert.equal(server.status, 200);
  assert.equal(JSON.parse(server.body).issuer, issuer.url);
  for (const path of ['/', '/mcp', '/authorizes', '/Authorize', '//authorize', '/refusal/', '/.well-known/jwks.json', '*']) {
    const answer = await ask(address, path, [bearer(await mint())], path === '*' ? 'OPTIONS' : 'GET');
    assert.equal(answer.status, 404, path);
  }
  assert.equal((await ask(address, '/healthz')).body, 'ok\n');
});

test('the issuer is down: 503 where there are no keys, no difference where there are; rotations are noticed', patiently, async (context) => {
  const warm = await serve(context);
  const old = await mint();
  assert.equal((await ask(warm.address, '/authorize', [bearer(old)])).status, 200);
  await issuer.outage(500);
  const cold = await serve(context);
  const refused = await ask(cold.address, '/authorize', [bearer(old)]);
  assert.equal(refused.status, 503);
  assert.match(refused.headers['retry-after'], /^[1-9]\d*$/);
  assert.equal(challengeOf(refused), undefined);
  assert.equal(JSON.parse(refused.body).error, 'temporarily_unavailable');
  assert.equal((await ask(cold.address, '/refusal', [bearer(old)])).status, 503);
  assert.equal((await ask(cold.address, '/authorize', [])).status, 401, 'who has no token is told where to get one');
  assert.equal((await ask(warm.address, '/authorize', [bearer(old)])).status, 200);
  assert.equal((await ask(warm.address, '/authorize', [bearer(await mint({ sub: 'user_new' }))])).status, 200);
  await issuer.outage(0);
  await until(async () => (await ask(cold.address, '/authorize', [bearer(old)])).status === 200);
  await issuer.rotate({ drop_old: true });
  assert.equal((await ask(warm.address, '/authorize', [bearer(await mint())])).status, 200);
  assert.equal((await ask(warm.address, '/authorize', [bearer(old)])).status, 401);
});

test('requests that wait for keys wait together, and hold up nobody else', patiently, async (context) => {
  const slow = await startSlowIssuer();
  context.after(() => slow.stop());
  slow.slowness = 700;
  const { address } = await startServe(context, settingsOf(slow));
  const token = slow.mint({ sub: 'user_1' });
  const began = performance.now();
  const waiting = Array.from({ length: 50 }, () => ask(address, '/authorize', [bearer(token)]));
  assert.equal((await ask(address, '/authorize')).status, 401);
  assert.equal((await ask(address, '/healthz')).status, 200);
  assert.ok(performance.now() - began < 600, 'others were held up');
  for (const { status } of await Promise.all(waiting)) assert.equal(status, 200);
  assert.equal(slow.requests, 1);
});

test('who opens connections and leaves them be stops nobody', patiently, async (context) => {
  const { address } = await serve(context, {}, '--max-connections=40');
  const authorization = bearer(await mint());
  const kept = await Connection.open(address);
  assert.equal((await kept.ask(head('/authorize', [authorization]))).status, 200);
  const slow = [];
  for (let number = 0; number < 120; number++) {
    const connection = await Connection.open(address);
    connection.send(number % 2 ? 'GET /authorize HTTP/1.1\r\nHost: x\r\nX-Slow: ' : '');
    slow.push(connection);
    if (number % 10 === 0) assert.equal((await ask(address, '/authorize', [authorization])).status, 200);
  }
  assert.equal((await ask(address, '/authorize', [authorization])).status, 200);
  await Promise.all(slow.slice(0, 80).map((connection) => connection.closed()));
  assert.ok(slow.filter((connection) => connection.isOpen).length <= 40);
  kept.close();
  slow.forEach((connection) => connection.close());
});

test('a head that is too long is refused, a body not waited for, and a connection kept', patiently, async (context) => {
  const { address } = await serve(context);
  const authorization = bearer(await mint());
  assert.equal((await ask(address, '/authorize', [authorization, ['X-Long', 'x'.repeat(40_000)]])).status, 200);
  assert.equal((await ask(address, '/authorize', [authorization, ['X-Long', 'x'.repeat(200_000)]])).status, 431);
  const many = Array.from({ length: 200 }, (_, number) => [`X-${number}`, 'x']);
  assert.equal((await ask(address, '/authorize', [authorization, ...many])).status, 431);
  for (const wrong of ['GET /authorize HTTP/1.1\r\nHost : x\r\n\r\n', 'GET /authorize\r\n\r\n', 'GET /a b HTTP/1.1\r\n\r\n', '\x16\x03\x01\x00\r\n\r\n']) {
    const answer = await exchange(address, wrong).catch(() => ({ status: 400 }));
    assert.equal(answer.status, 400);
  }
  const expecting = head('/authorize', [authorization, ['Content-Length', '1000000']], 'POST');
  assert.equal((await exchange(address, expecting)).status, 200);
  const connection = await Connection.open(address);
  for (let time = 0; time < 3; time++) {
    assert.equal((await connection.ask(head('/authorize', [authorization]))).status, 200);
    assert.equal((await connection.ask(head('/authorize'))).status, 401);
  }
  connection.close();
});

test('it ends when it is told to, after the requests under way', patiently, async (context) => {
  const slow = await startSlowIssuer();
  context.after(() => slow.stop());
  slow.slowness = 500;
  for (const signal of ['SIGTERM', 'SIGINT']) {
    const program = await startServe(context, settingsOf(slow));
    const idle = await Connection.open(program.address);
    assert.equal((await idle.ask(head('/healthz'))).status, 200);
    const connection = await Connection.open(program.address);
    // In one piece with a question that is answered at once, whose answer tells that both were read: keys are
    // fetched from the start, and tell nothing of a request.
    const authorize = head('/authorize', [bearer(slow.mint({ sub: 'user_1' }))]);
    assert.equal((await connection.ask(head('/healthz') + authorize)).status, 200);
    const waiting = connection.ask('');
    const ended = program.end(signal);
    assert.equal((await waiting).status, 200);
    assert.equal(await ended, 0);
  }
});

test('refusals are told by code and reason, without token, path or query; not where it is to be quiet', patiently, async (context) => {
  const secret = await mint({ sub: 'user_secret', scope: 'openid' });
  const loud = await serve(context);
  const quiet = await serve(context, {}, '--quiet');
  for (const { address } of [loud, quiet]) {
    await ask(address, '/authorize', [bearer(secret), ['X-Original-URI', '/mcp/path-secret']]);
    await ask(address, '/authorize', [bearer(secret), ['X-Original-URI', `/mcp?access_token=${secret}`]]);
    await ask(address, '/authorize', [bearer('query-secret'), ['X-Original-URI', '/mcp?x=query-secret']]);
  }
  for (const program of [loud, quiet]) assert.equal(await program.end(), 0);
  const refusals = loud.lines.map((line) => /^authkit serve: (INFO|WARNING) answered (\d+): ([A-Z_]+): ./.exec(line)).filter(Boolean);
  assert.deepEqual(refusals.map(([, ...told]) => told.join(' ')), ['INFO 403 SCOPE', 'INFO 400 INVALID_REQUEST', 'INFO 401 MALFORMED']);
  assert.equal(loud.lines.at(-1), 'authkit serve: ended');
  assert.ok(!loud.lines.some((line) => /secret|eyJ|user_/.test(line) || line.includes(secret.slice(0, 20))));
  assert.ok(!quiet.lines.some((line) => line.includes('answered')));
});

test('the start is told, a flood of one cause is a line, trouble with keys needs no request', patiently, async (context) => {
  const slow = await startSlowIssuer();
  context.after(() => slow.stop());
  slow.httpStatus = 500;
  const program = await startServe(context, settingsOf(slow));
  await program.line(/^authkit serve: INFO resource indicator: https:\/\/mcp\.example\.com\/mcp$/);
  await program.line(/INFO trusted issuer: /);
  await program.line(/INFO required scopes: \(none\)/);
  await program.line(/WARNING .*: could not fetch the keys: .*HTTP 500/);
  assert.equal((await ask(program.address, '/readyz')).status, 503);
  assert.equal((await ask(program.address, '/healthz')).status, 200);
  for (let count = 0; count < 200; count++) await ask(program.address, '/authorize', [bearer('x.y.z')]);
  for (let count = 0; count < 200; count++) await ask(program.address, '/authorize');
  assert.equal(program.lines.filter((line) => /answered \d{3}:/.test(line)).length, 1);
  slow.httpStatus = 200;
  await program.line(/INFO .*: the keys can be fetched again/);
  await program.line(/INFO 1 keys are in use/);
  assert.equal((await ask(program.address, '/readyz')).body, 'ready\n');
});

test('each request has a line if that is asked for, without a word of the client\'s', patiently, async (context) => {
  const program = await serve(context, {}, '--access-log');
  await ask(program.address, '/authorize/mcp/secret-path?x=secret-query', [['X-Request-Id', 'a1-b2']]);
  await ask(program.address, '/healthz', [['X-Request-Id', 'no id']]);
  await ask(program.address, '/.well-known/secret', [['X-Request-Id', 'eyJhbGciOi']]);
  await program.line(/^authkit serve: access a1-b2 \/authorize 401 \d+ us$/);
  await program.line(/^authkit serve: access \d+ \/healthz 200 \d+ us$/);
  await program.line(/^authkit serve: access \d+ \/\.well-known 404 \d+ us$/);
  assert.ok(!program.lines.some((line) => /secret|eyJ|no id/.test(line)));
});

test('SIGHUP reads the settings again; wrong ones change nothing', patiently, async (context) => {
  const file = join(directory(), 'settings.json');
  const write = (more) => writeFileSync(file, JSON.stringify({ authkit_domain: issuer.url, allow_insecure_loopback: true, ...more }));
  write({ base_url: 'https://old.example.com' });
  const program = await startServe(context, { config: file, listen: '127.0.0.1:0' });
  const status = async (aud) => (await ask(program.address, '/authorize', [bearer(await issuer.mint({ aud }))])).status;
  const [before, after] = ['https://old.example.com/mcp', 'https://new.example.com/mcp'];
  assert.deepEqual([await status(before), await status(after)], [200, 401]);
  write({ base_url: 'new.example.com' });
  await program.signal('SIGHUP');
  await program.line(/WARNING CONFIG: base_url is 'new\.example\.com', without https/);
  await program.line(/the configuration stays as it was/);
  assert.deepEqual([await status(before), await status(after)], [200, 401]);
  // Keys that work are not given up for an issuer that does not answer.
  await issuer.outage(500);
  write({ base_url: 'https://new.example.com' });
  await program.signal('SIGHUP');
  await program.line(/WARNING KEYS_UNAVAILABLE: .*HTTP 500/);
  assert.deepEqual([await status(before), await status(after)], [200, 401]);
  await issuer.outage(0);
  await program.signal('SIGHUP');
  await program.line(/the configuration was read again/);
  await program.line(/resource indicator: https:\/\/new\.example\.com\/mcp$/);
  assert.deepEqual([await status(before), await status(after)], [401, 200]);
});

test('numbers are OpenMetrics that its own parser reads', patiently, async (context) => {
  const { address } = await serve(context);
  assert.equal((await ask(address, '/authorize', [bearer(await mint())])).status, 200);
  await ask(address, '/authorize', [bearer('x')]);
  const { headers, body } = await ask(address, '/metrics');
  assert.match(headers['content-type'], /^application\/openmetrics-text; version=1\.0\.0/);
  const parse = `
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
print(json.dumps({f"{sample.name}{sorted(sample.labels.values())}": sample.value
    for family in text_string_to_metric_families(sys.stdin.read()) for sample in family.samples}))`;
  const { status, stdout, stderr } = spawnSync('python3', ['-c', parse], { input: body, encoding: 'utf8', env: { ...process.env, PYTHONPATH: process.env.OPENMETRICS } });
  assert.equal(status, 0, stderr);
  const numbers = JSON.parse(stdout);
  assert.equal(numbers["authkit_verdicts_total['OK']"], 1);
  assert.equal(numbers["authkit_verdicts_total['MALFORMED']"], 1);
  assert.equal(numbers[`authkit_keys['${issuer.url}']`], 1);
  assert.ok(!body.includes('user_'));
});

test('systemd is told of the start, a reload and the end', patiently, async (context) => {
  const at = directory();
  // Nothing in Node receives datagrams of a unix socket.
  const hear = `
import os, socket, sys
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); heard.bind(sys.argv[1]); print("bound", flush=True)
while True: print(heard.recv(1000).decode().replace("\\n", " "), flush=True)`;
  const socket = join(at, 'notify');
  const manager = spawn('python3', ['-c', hear, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  context.after(() => manager.kill());
  const lines = createInterface(manager.stdout)[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  assert.equal(await next(), 'bound');
  const program = await serve(context, {}, { NOTIFY_SOCKET: socket });
  assert.equal(await next(), 'READY=1');
  await program.signal('SIGHUP');
  assert.match(await next(), /^RELOADING=1 MONOTONIC_USEC=\d{6,}$/);
  assert.equal(await next(), 'READY=1');
  const ended = program.end();
  assert.equal(await next(), 'STOPPING=1');
  assert.equal(await ended, 0);
});

test('a socket\'s group is set, and a missing directory is told with the cure', patiently, async (context) => {
  const at = directory();
  const socket = join(at, 'grouped.sock');
  const group = process.getgid();
  const program = await serve(context, { listen: `unix:${socket}`, 'socket-group': String(group) });
  const { mode, gid } = statSync(socket);
  assert.deepEqual([mode & 0o777, gid], [0o660, group]);
  await program.end();
  const flags = (more) => Object.entries(settings(more)).map(([name, value]) => `--${name}=${value}`);
  const nobody = await refusedServe(...flags({ listen: `unix:${socket}`, 'socket-group': 'no-such-group' }), '--allow-insecure-loopback');
  assert.equal(nobody.status, 2);
  assert.match(nobody.told, /group no-such-group: there is no such group/);
  const missing = await refusedServe(...flags({ listen: `unix:${join(at, 'none', 'a.sock')}` }), '--allow-insecure-loopback');
  assert.equal(missing.status, 2);
  assert.match(missing.told, /its directory is missing/);
  assert.ok(missing.told.includes(`install -d -m 0750 ${join(at, 'none')}`));
});

test('a flood writes a few lines, whatever it is of, and who reads them slowly holds up no request', patiently, async (context) => {
  const program = await serve(context);
  program.listen(false);
  const connection = await Connection.open(program.address);
  const each = 1000;
  for (let time = 0; time < each; time++) {
    assert.equal((await connection.ask(head('/authorize'))).status, 401);
    assert.equal((await connection.ask(head('/authorize', [bearer(`x.y.${time}`)]))).status, 401);
    // A slip of the proxy's, with words of the client's in it.
    assert.equal((await connection.ask(head(`/authorize?scope=%22${time}`))).status, 500);
  }
  connection.close();
  program.listen(true);
  assert.equal(await program.end(), 0);
  const answered = program.lines.filter((line) => /answered \d{3}:/.test(line));
  // Once in 10 s each, of which the machine may have taken several.
  assert.ok(answered.length >= 2 && answered.length <= 20, program.lines.join('\n'));
});

const now = () => Math.floor(Date.now() / 1000);
const ours = (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-authkit-')));
const challengeOf = ({ headers }) => headers['www-authenticate'];

async function until(look) {
  while (!await look()) await new Promise((resolve) => { setTimeout(resolve, 20); });
}
