// The TypeScript SDKs' own clients and FastMCP's log in to the example servers in C and C++ and call their tools, and
// `authkit doctor` examines them. FASTMCP_PYTHON names a Python with FastMCP.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { USER } from '../authorization-server/ids.mjs';
import { login } from '../authorization-server/login.mjs';
import { examine, missed, OF_THE_AUTHORIZATION_SERVER } from '../doctor/support/doctor.mjs';
import { startIssuer } from '../mcp-node/support/issuer.mjs';
import { User } from '../mcp-node/support/user.mjs';
import { SCOPE, SERVERS, startBehindFront } from './support/native.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

let issuer;

before(async () => { issuer = await startIssuer(); });
after(() => issuer.end());

for (const [language, program] of Object.entries(SERVERS)) {
  describe(`the server in ${language}`, { timeout: 120_000 }, () => {
    let server;

    before(async () => { server = await startBehindFront(program, issuer.url); });
    after(async () => { assert.equal(await server.end(), 0); });

    for (const generation of [1, 2]) {
      test(`a client of SDK ${generation}.x logs in and calls tools; one needs a scope more, which the client asks for`, async () => {
        const user = await new User(generation, server.baseUrl).connect();
        const caller = await user.call('whoami');
        const claims = claimsOf(user.tokens);
        assert.deepEqual(caller, { subject: claims.sub, scopes: claims.scope.split(' ') });
        assert.equal(claims.aud, `${server.baseUrl}/mcp`);
        assert.equal(user.logins.length, 1);
        assert.deepEqual(await user.call('publish'), { published_by: claims.sub });
        assert.equal(user.logins.length, 2);
        assert.ok(user.answers.some(({ status, challenge }) => status === 403 && challenge.includes('scope="mcp:read mcp:write"')));
        await user.close();
      });
    }

    test("FastMCP's client logs in and calls a tool", async () => {
      const env = { ...process.env, FASTMCP_LOG_LEVEL: 'CRITICAL', PYTHONPATH: here('../../bindings/python/tests/fastmcp') };
      const args = [here('fastmcp_client.py'), `${server.baseUrl}/mcp`, 'whoami'];
      const { stdout } = await promisify(execFile)(process.env.FASTMCP_PYTHON, args, { env });
      const { subject, scopes } = JSON.parse(stdout);
      assert.equal(subject, USER);
      assert.ok(scopes.includes(SCOPE));
    });

    test('authkit doctor misses nothing: no MUST, no SHOULD', async () => {
      const { access_token: token } = await login({ issuer: issuer.url, resource: `${server.baseUrl}/mcp`, scope: `openid ${SCOPE}` });
      const report = await examine({ issuer: issuer.url, baseUrl: server.baseUrl, scope: SCOPE, token });
      assert.deepEqual(missed(report), OF_THE_AUTHORIZATION_SERVER);
    });
  });
}

const claimsOf = ({ access_token }) => JSON.parse(Buffer.from(access_token.split('.')[1], 'base64url'));
