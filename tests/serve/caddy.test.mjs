// The recipe for Caddy (examples/caddy), its very file, in Debian's Caddy.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startIssuer } from '../mcp-node/support/issuer.mjs';
import { ask, bearer, Connection, head } from './support/http.mjs';
import { directory, freePort, startCaddy, startServe } from './support/programs.mjs';
import { startUpstream } from './support/upstream.mjs';

// Far beyond what any test takes: ends a test that hangs.
const patiently = { timeout: 60_000 };

let issuer;
let run;
const undo = [];

before(async () => {
  issuer = await startIssuer();
  const context = { after: (act) => undo.push(act) };
  const socket = join(directory(), 'a.sock');
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const authkit = await startServe(context, { 'authkit-domain': issuer.url, 'base-url': baseUrl, 'required-scopes': 'mcp:read', listen: `unix:${socket}` });
  const upstream = await startUpstream(context);
  const { address } = await startCaddy(context, { port, socket, upstream: upstream.address });
  run = { address, authkit, baseUrl, upstream, mint: (claims, options) => issuer.mint({ aud: `${baseUrl}/mcp`, ...claims }, options) };
});
after(async () => {
  await Promise.all(undo.map((act) => act()));
  await issuer.end();
});

test('a good token reaches the server, which learns who calls, and not the token; nobody says so for themselves', patiently, async () => {
  const token = await run.mint({ sub: 'user_1' }, { remove: ['org_id', 'sid'] });
  const spoofed = ['Subject', 'Org-Id', 'Session-Id', 'Role', 'Actor', 'Whatever']
    .flatMap((name) => [`X-Authkit-${name}`, `x-AUTHKIT-${name}`, `X_Authkit_${name}`, `X_AUTHKIT_${name}`, `X-Authkit_${name}`].map((line) => [line, 'spoofed']));
  const answer = await ask(run.address, '/mcp?session=1', [bearer(token), ...spoofed, ['Content-Length', '0']], 'POST');
  assert.equal(answer.status, 200);
  const { url, method, headers } = JSON.parse(answer.body);
  assert.deepEqual({ url, method }, { url: '/mcp?session=1', method: 'POST' });
  assert.equal(headers['x-authkit-subject'], 'user_1');
  assert.equal(headers.authorization, undefined);
  assert.ok(!answer.body.includes('spoofed'), answer.body);
});

test('refusals arrive whole, 400 and 503 too', patiently, async () => {
  const good = await run.mint();
  const admin = await run.mint({ scope: 'mcp:read mcp:admin' });
  const lowering = [['X-Original-URI', '/mcp'], ['X-Forwarded-Uri', '/mcp'], ['X-Authkit-Require-Scopes', '']];
  const before = run.upstream.asked.length;
  for (const [target, lines, status, error] of [
    ['/mcp', [], 401, undefined],
    ['/mcp', [bearer('x')], 401, 'invalid_token'],
    ['/mcp', [bearer(await run.mint({ scope: 'openid' }))], 403, 'insufficient_scope'],
    ['/admin/x', [bearer(good), ...lowering], 403, 'insufficient_scope'],
    [`/mcp?access_token=${good}`, [bearer(good), ...lowering], 400, 'invalid_request'],
    ['/mcp', [bearer(good), bearer(good)], 400, 'invalid_request'],
  ]) {
    for (const method of ['GET', 'DELETE', 'OPTIONS']) {
      const answer = await ask(run.address, target, lines, method);
      assert.equal(answer.status, status, target);
      assert.equal(JSON.parse(answer.body).error, error, target);
      assert.equal(answer.lines.filter(([name]) => name === 'www-authenticate').length, 1);
    }
  }
  assert.equal(run.upstream.asked.length, before);
  assert.equal((await ask(run.address, '/admin/x', [bearer(admin)])).status, 200);
  for (const path of ['/.well-known/x', '/healthz', '/readyz', '/metrics', '/authorize', '/.well-known/oauth-x/../../mcp']) {
    assert.ok([401, 404].includes((await ask(run.address, path)).status), path);
  }
  const document = await ask(run.address, '/.well-known/oauth-protected-resource/mcp');
  assert.equal(JSON.parse(document.body).resource, `${run.baseUrl}/mcp`);
});

test('events arrive when they are sent', patiently, async () => {
  const connection = await Connection.open(run.address);
  let read = '';
  connection.tap((text) => { read += text; });
  connection.send(head('/events', [bearer(await run.mint())]));
  await until(() => run.upstream.asked.at(-1).url === '/events');
  for (const word of ['first', 'second']) {
    run.upstream.say(word);
    await until(() => read.includes(`data: ${word}`));
  }
  connection.close();
});

test('authkit is not there: nobody passes', patiently, async () => {
  await run.authkit.end('SIGKILL');
  const before = run.upstream.asked.length;
  assert.equal((await ask(run.address, '/mcp', [bearer(await run.mint())])).status, 502);
  assert.equal(run.upstream.asked.length, before);
});

async function until(look) {
  while (!look()) await new Promise((resolve) => { setTimeout(resolve, 10); });
}
