// The MCP conformance suite's server scenarios, with and without our guard in front of one and the same server: as
// green as without us.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { releaseDirectory } from '../../bindings/node/scripts/releases.mjs';
import { startIssuer } from './support/issuer.mjs';
import { start } from './support/process.mjs';
import { startProxy } from './support/proxy.mjs';

const run = promisify(execFile);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
// Of a Node that the suite runs on, which needs a newer one than we do.
const NODE = join(releaseDirectory('22'), 'node');
const SUITE = here('node_modules/@modelcontextprotocol/conformance/dist/index.js');

/** What the SDKs' servers miss without us: they prime no stream of the old version that the suite speaks there. */
const MISSED = { 'server-sse-polling': ['server-sse-priming-event WARNING', 'server-sse-retry-field WARNING'] };
const SCENARIOS = 32;
// Far beyond what they take: ends tests that hang.
const patiently = { timeout: 300_000 };

let issuer;

before(async () => { issuer = await startIssuer(); });
after(() => issuer.end());

for (const generation of [1, 2]) {
  test(`a server of SDK ${generation}.x is as green behind the guard as without it`, patiently, async (context) => {
    const script = here(`conformance/sdk${generation}.mjs`);
    const open = await start(script);
    const guarded = await start(script, issuer.url);
    const token = await issuer.mint({ aud: `${guarded.line}/mcp` });
    const proxy = await startProxy(guarded.line, () => token);
    try {
      assert.equal((await fetch(`${guarded.line}/mcp`, { method: 'POST' })).status, 401);
      const [without, behind] = await Promise.all([open.line, proxy.baseUrl].map(verdicts));
      context.diagnostic(`${Object.keys(without).length} scenarios, ${Object.values(without).flat().length} checks`);
      assert.equal(Object.keys(without).length, SCENARIOS);
      assert.deepEqual(missed(without), MISSED);
      assert.deepEqual(behind, without);
    } finally {
      proxy.end();
      await Promise.all([open.end(), guarded.end()]);
    }
  });
}

/** Runs the suite: for each scenario its checks, mere information left out, with their statuses, in order. */
async function verdicts(baseUrl) {
  const directory = await mkdtemp(join(tmpdir(), 'authkit-conformance-'));
  try {
    const parameters = [SUITE, 'server', '--url', `${baseUrl}/mcp`, '--suite', 'all', '--output-dir', directory];
    // Its exit status is 1 where a scenario is not green: which one, is for the comparison to say.
    await run(NODE, parameters, { env: {} }).catch(({ code, message }) => assert.equal(code, 1, message));
    const scenarios = (await readdir(directory)).sort().map(async (name) => {
      const checks = JSON.parse(await readFile(join(directory, name, 'checks.json')));
      const [, scenario] = /^server-(.+?)-\d{4}-\d\d-\d\dT/.exec(name);
      return [scenario, checks.filter(({ status }) => status !== 'INFO').map(({ id, status }) => `${id} ${status}`)];
    });
    return Object.fromEntries(await Promise.all(scenarios));
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Every check that is not met. */
function missed(verdicts) {
  const entries = Object.entries(verdicts).map(([scenario, checks]) => [scenario, checks.filter((check) => !check.endsWith(' SUCCESS'))]);
  return Object.fromEntries(entries.filter(([, checks]) => checks.length > 0));
}
