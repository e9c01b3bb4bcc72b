// What `authkit doctor` finds at stock servers of others and at servers of ours, and what becomes of good and
// bad tokens there. Takes the command from AUTHKIT_CLI, the Python that has FastMCP from AUTHKIT_FASTMCP_PYTHON
// and the one that has our package from AUTHKIT_OUR_PYTHON.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { login } from '../authorization-server/login.mjs';
import { examine, missed, OF_THE_AUTHORIZATION_SERVER } from './support/doctor.mjs';

const SCOPE = 'mcp:read';
const CLI = process.env.AUTHKIT_CLI;
const PYTHON = process.env.AUTHKIT_FASTMCP_PYTHON;
const OUR_PYTHON = process.env.AUTHKIT_OUR_PYTHON;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What FastMCP 4.2.3 misses. */
const FASTMCP = {
  ...OF_THE_AUTHORIZATION_SERVER,
  'prm.root': 'note',
  'challenge.malformed': 'fail',
  'cors.preflight': 'warn',
  'cors.challenge': 'warn',
  'cors.as-metadata': 'note',
};

/** What the TypeScript SDK 1.32.2 misses. */
const TYPESCRIPT = {
  ...OF_THE_AUTHORIZATION_SERVER,
  'prm.root': 'note',
  'prm.bearer-methods': 'note',
  'prm.cache': 'note',
  'challenge.syntax': 'fail',
  'challenge.no-error-code': 'warn',
  'challenge.malformed': 'fail',
  'cors.preflight': 'warn',
  'cors.challenge': 'warn',
};

/** What a server misses that sends the library's answers: nothing. */
const OURS = OF_THE_AUTHORIZATION_SERVER;

/** What a page cannot read of the answer to a good token where CORS is left to the operator. */
const PAGES_READ_NO_SESSION = { 'cors.session': 'warn' };

const started = [];
let authorizationServer;

before(async () => {
  const line = await start(process.execPath, [here('../authorization-server/server.mjs'), '--exit-with-stdin']);
  authorizationServer = JSON.parse(line);
});

after(() => {
  for (const child of started) child.stdin.end();
});

for (const [which, command, file] of [
  ['a server of ours in Python', OUR_PYTHON, 'ours/server.py'],
  ['a server of ours in Node', process.execPath, 'ours/server.mjs'],
  ['an Express server of the TypeScript SDK 1.x behind our middleware', process.execPath, '../mcp-node/servers/sdk1.mjs'],
  ['an Express server of the TypeScript SDK 2.x behind our middleware', process.execPath, '../mcp-node/servers/sdk2.mjs'],
  ['a Fetch handler of the TypeScript SDK 2.x behind our guard', process.execPath, '../mcp-node/servers/fetch2.mjs'],
]) {
  test(`${which} meets every MUST and SHOULD of a resource server`, async () => {
    const baseUrl = await start(command, [here(file), authorizationServer.issuer]);
    await examineWithTokens(baseUrl, OURS, { narrow: { 'token.verdict': 'fail' }, exit: 4 });
  });
}

test('a stock FastMCP server', async () => {
  const baseUrl = await start(PYTHON, [here('fastmcp/server.py'), authorizationServer.issuer]);
  await examineWithTokens(baseUrl, FASTMCP, {
    // A scope that is missing is answered with 401: the client fetches the same token again.
    narrow: { 'token.verdict': 'fail', 'token.forbidden': 'fail', 'token.scope-challenge': 'warn' },
    accepted: PAGES_READ_NO_SESSION,
  });
});

test('a stock FastMCP server of the older SSE transport misses nothing more for that', async () => {
  const baseUrl = await start(PYTHON, [here('fastmcp/server.py'), authorizationServer.issuer, 'sse']);
  const report = await doctor({ baseUrl, more: ['--mcp-path', '/sse'] });
  const found = missed(report);
  for (const [check, finding] of Object.entries(found)) assert.equal(FASTMCP[check], finding, check);
});

test('an open FastMCP server is one headline', async () => {
  const baseUrl = await start(PYTHON, [here('fastmcp/server.py'), authorizationServer.issuer, 'open']);
  const report = await doctor({ baseUrl });
  const failed = report.checks.filter(({ finding }) => finding === 'fail');
  assert.deepEqual(failed.map(({ id }) => id), ['challenge.status']);
  assert.match(failed[0].seen, /OPEN/);
});

test('a stock server of the TypeScript SDK', async () => {
  const baseUrl = await start(process.execPath, [here('typescript/server.mjs'), authorizationServer.issuer]);
  await examineWithTokens(baseUrl, TYPESCRIPT, { narrow: { 'token.verdict': 'fail' }, accepted: PAGES_READ_NO_SESSION });
});

test('a stock server of the TypeScript SDK at the root has a stray slash in its resource', async () => {
  const baseUrl = await start(process.execPath, [here('typescript/server.mjs'), authorizationServer.issuer, '/']);
  const report = await doctor({ baseUrl, more: ['--mcp-path', '/'] });
  const found = missed(report);
  assert.equal(found['prm.resource'], 'fail');
  assert.equal(found['challenge.resource-metadata-url'], 'fail');
  assert.match(report.checks.find(({ id }) => id === 'prm.resource').seen, /stray slash/);
});

test('colours go to a terminal that wants them, and nowhere else', async () => {
  const baseUrl = await start(process.execPath, [here('typescript/server.mjs'), authorizationServer.issuer]);
  const command = `"$AUTHKIT_CLI" doctor --authkit-domain ${authorizationServer.issuer} --base-url ${baseUrl} --allow-insecure-loopback`;
  const isColoured = async (environment, options = '') => {
    const env = { PATH: process.env.PATH, AUTHKIT_CLI: CLI, TERM: 'xterm', ...environment };
    const child = spawn('script', ['--quiet', '--command', `env -u AUTHKIT_CLI ${command} ${options}`, '/dev/null'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const output = (await child.stdout.toArray()).join('');
    assert.match(output, /challenge\.malformed/);
    return output.includes('\u001b');
  };
  assert.equal(await isColoured({}), true);
  assert.equal(await isColoured({ NO_COLOR: '' }), true);
  assert.equal(await isColoured({ NO_COLOR: '1' }), false);
  assert.equal(await isColoured({ TERM: 'dumb' }), false);
  assert.equal(await isColoured({}, '--no-color'), false);
  assert.equal(await isColoured({}, '| cat'), false);
});

/** Examines with a good token, then with one for each way of being bad: exactly this must be missed. */
async function examineWithTokens(baseUrl, expected, { narrow, accepted = {}, exit = 1 }) {
  const resource = `${baseUrl}/mcp`;
  const { issuer } = authorizationServer;
  const good = (await login({ issuer, resource, scope: `openid ${SCOPE}` })).access_token;
  const report = await doctor({ baseUrl }, good);
  assert.deepEqual(missed(report), { ...expected, ...accepted });
  assert.equal(report.exit, exit);

  const withoutScope = (await login({ issuer, resource, scope: 'openid' })).access_token;
  assert.deepEqual(missed(await doctor({ baseUrl }, withoutScope)), { ...expected, ...narrow });

  const elsewhere = await mint({ aud: 'https://other.example/mcp' });
  assert.deepEqual(missed(await doctor({ baseUrl }, elsewhere)), { ...expected, 'token.verdict': 'fail' });
}

/** Starts a server that prints one line when it answers, and ends with its stdin. */
async function start(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  const ended = once(child, 'exit').then(([code]) => { throw new Error(`${args[0]} ended with status ${code}`); });
  ended.catch(() => {}); // its end after the tests is no failure
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
  return line;
}

async function mint(claims) {
  const response = await fetch(`${authorizationServer.admin}/mint`, { method: 'POST', body: JSON.stringify({ claims }) });
  return (await response.json()).token;
}

const doctor = (settings, token) =>
  examine({ issuer: authorizationServer.issuer, scope: SCOPE, token, ...settings });
