// Express servers behind our middleware in a cluster and in worker threads: all answer rightly, and all end by themselves
// though their verifiers are open.

import assert from 'node:assert/strict';
import { get } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startIssuer } from './support/issuer.mjs';
import { start } from './support/process.mjs';

const RESOURCE = 'https://mcp.example.com/mcp';
// Far beyond what any test takes: ends a test that hangs.
const patiently = { timeout: 60_000 };

let issuer;

before(async () => { issuer = await startIssuer(); });
after(() => issuer.end());

test('two processes of a cluster share the requests, and both answer rightly', patiently, async () => {
  const { line: baseUrl, end } = await startServer('cluster');
  const answers = await askTimes(20, [baseUrl]);
  assert.equal(new Set(answers.map((answer) => answer.process)).size, 2);
  assert.equal(await end(), 0);
});

test('two worker threads of one process answer rightly beside each other', patiently, async () => {
  const { line, end } = await startServer('threads');
  const answers = await askTimes(20, line.split(' '));
  assert.equal(new Set(answers.map((answer) => answer.process)).size, 1);
  assert.equal(new Set(answers.map((answer) => answer.thread)).size, 2);
  assert.equal(await end(), 0);
});

function startServer(name) {
  const options = { authkitDomain: issuer.url, resource: RESOURCE, allowInsecureLoopback: true };
  return start(fileURLToPath(new URL(`servers/${name}.mjs`, import.meta.url)), JSON.stringify(options));
}

/** Asks so often, with good tokens and forged ones in turn, at the servers in turn; the good ones' answers. */
async function askTimes(count, baseUrls) {
  const answers = Array.from({ length: count }, async (_, index) => {
    const sub = `user_${index}`;
    const url = `${baseUrls[index % baseUrls.length]}/mcp`;
    const [good, forged] = await Promise.all([{}, { tamper: true }].map((options) => issuer.mint({ aud: RESOURCE, sub }, options)));
    assert.equal((await ask(url, forged)).status, 401);
    const { status, body } = await ask(url, good);
    assert.equal(status, 200);
    const answer = JSON.parse(body);
    assert.equal(answer.subject, sub);
    return answer;
  });
  return Promise.all(answers);
}

/** A request on a connection of its own: a cluster shares out connections. */
function ask(url, token) {
  return new Promise((resolve, reject) => {
    get(url, { headers: { authorization: `Bearer ${token}` }, agent: false }, async (response) => {
      resolve({ status: response.statusCode, body: (await response.toArray()).join('') });
    }).on('error', reject);
  });
}
