// Servers of the TypeScript SDK behind our middleware, and the SDK's own clients, which log in at the local
// authorization server: in good weather, and when tokens expire, keys change, scopes lack, the issuer or the server is down.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startIssuer } from './support/issuer.mjs';
import { start } from './support/process.mjs';
import { User } from './support/user.mjs';

const SCOPE = 'mcp:read';
const HOUR = 3600;

// Far beyond what they take: ends tests that hang.
const patiently = { timeout: 180_000 };

let issuer;

before(async () => { issuer = await startIssuer(); });
after(() => issuer.end());

const SERVERS = { sdk1: 'an Express server of SDK 1.x', sdk2: 'an Express server of SDK 2.x', fetch2: 'a Fetch handler of SDK 2.x' };
const PAIRS = [
  { server: 'sdk1', client: 1, inBadWeather: true },
  { server: 'sdk2', client: 2, inBadWeather: true },
  { server: 'sdk1', client: 2 },
  { server: 'sdk2', client: 1 },
  { server: 'fetch2', client: 2 },
];

for (const { server, client, inBadWeather = false } of PAIRS) {
  describe(`${SERVERS[server]} and a client of SDK ${client}.x`, patiently, () => {
    test('log in: discovery, registration, PKCE, resource; a tool sees the claims', async (context) => {
      const { baseUrl, login } = await open(context, server, client);
      const user = await login();
      const caller = await user.call('whoami');

      const [{ searchParams }] = user.logins;
      assert.equal(user.logins.length, 1);
      assert.equal(searchParams.get('resource'), `${baseUrl}/mcp`);
      assert.equal(searchParams.get('code_challenge_method'), 'S256');
      assert.ok(searchParams.get('scope').split(' ').includes(SCOPE));
      const [refused, ...served] = user.answers;
      assert.deepEqual(refused, {
        status: 401,
        challenge: `Bearer scope="${SCOPE}", resource_metadata="${baseUrl}/.well-known/oauth-protected-resource/mcp"`,
        retryAfter: null,
      });
      assertServed(served);

      const claims = claimsOf(user.tokens);
      assert.equal(claims.aud, `${baseUrl}/mcp`);
      assert.equal(caller.clientId, searchParams.get('client_id'));
      assert.deepEqual(caller.scopes, claims.scope.split(' '));
      assert.equal(caller.expiresAt, claims.exp);
      assert.deepEqual(caller.extra.claims.payload, claims);
    });

    test('a tool that takes one scope more: the challenge names all that the call needs, and the client gets them', async (context) => {
      const { login } = await open(context, server, client);
      const user = await login();
      user.answers = [];
      const { scopes } = await user.call('write');
      assert.ok(['mcp:read', 'mcp:write'].every((scope) => scopes.includes(scope)));
      const [refused, ...served] = user.answers;
      assert.equal(refused.status, 403);
      assert.match(refused.challenge, /^Bearer error="insufficient_scope", .* scope="mcp:read mcp:write", /);
      assertServed(served);
      assert.equal(user.logins.length, 2);
    });

    if (!inBadWeather) return; // the weather is the same to all

    test('an expired token is replaced, and the call goes on', async (context) => {
      const { token, login } = await open(context, server, client);
      const user = await login();
      const iat = now() - 2 * HOUR;
      present(user, await token({ iat, exp: iat + HOUR }));
      const { clientId } = await user.call('whoami');
      assert.equal(clientId, claimsOf(user.tokens).client_id);
      const [refused, ...served] = user.answers;
      assert.equal(refused.status, 401);
      assert.match(refused.challenge, /^Bearer error="invalid_token", error_description="[^"]*expired[^"]*", /);
      assertServed(served);
      // 2.x asked for offline_access, and so needs nobody to log in.
      assert.equal(user.logins.length, { 1: 2, 2: 1 }[client]);
    });

    test('keys are rotated in mid-session: new tokens are good at once, old ones until theirs is withdrawn', async (context) => {
      const { token, login } = await open(context, server, client);
      const user = await login();
      const old = user.tokens.access_token;

      await issuer.rotate();
      for (const accessToken of [await token(), old]) {
        present(user, accessToken);
        await user.call('whoami');
        assertServed(user.answers);
      }

      await issuer.rotate({ drop_old: true });
      present(user, await token());
      await user.call('whoami');
      assertServed(user.answers);
      present(user, old);
      await user.call('whoami');
      assert.equal(user.answers[0].status, 401);
      assertServed(user.answers.slice(1));
      assert.notEqual(user.tokens.access_token, old);
    });

    test('a token without the scope: the client sees which one it takes, and gets it', async (context) => {
      const { baseUrl, token, login } = await open(context, server, client);
      const user = await login();
      present(user, await token({ scope: 'offline_access' }), 'offline_access');
      assert.ok((await user.call('whoami')).scopes.includes(SCOPE));
      const [refused, ...served] = user.answers;
      assert.equal(refused.status, 403);
      assert.match(refused.challenge, /^Bearer error="insufficient_scope", error_description="[^"]+", /);
      assert.ok(refused.challenge.includes(`scope="${SCOPE}", resource_metadata="${baseUrl}/.well-known/`));
      assertServed(served);
      assert.equal(user.logins.length, 2);
    });

    test('the issuer is down: who is served stays served', async (context) => {
      const { token, login } = await open(context, server, client);
      const user = await login();
      const forged = await token({}, { signer: 'foreign', header: { kid: 'sso_oidc_key_pair_unknown' } });
      await during(issuer.outage('reset'), async () => {
        const asked = await issuer.keyRequests();
        present(user, forged);
        await assert.rejects(user.call('whoami'));
        assert.ok(await issuer.keyRequests() > asked, 'the server asked for its key in vain');
        present(user, await token());
        await user.call('whoami');
        assertServed(user.answers);
      });
    });

    test('the server is restarted: the token goes on', async (context) => {
      const { login, restart } = await open(context, server, client);
      const user = await login();
      const { access_token } = user.tokens;
      await restart();
      user.answers = [];
      await user.call('whoami');
      assertServed(user.answers);
      assert.equal(user.tokens.access_token, access_token);
    });

    test('the server is restarted while the issuer is down: 503, no new login, and served when keys are there', async (context) => {
      const { login, restart } = await open(context, server, client);
      const user = await login();
      const { access_token } = user.tokens;
      await during(issuer.outage(500), async () => {
        await restart();
        user.answers = [];
        await assert.rejects(user.call('whoami'));
        const [{ status, challenge, retryAfter }] = user.answers;
        assert.deepEqual({ status, challenge }, { status: 503, challenge: null });
        assert.match(retryAfter, /^[1-9]\d*$/);
      });
      while (user.answers.at(-1).status === 503) {
        await delay(1000 * user.answers.at(-1).retryAfter);
        await user.call('whoami').catch(() => {});
      }
      assertServed(user.answers.slice(-1));
      assert.equal(user.tokens.access_token, access_token);
      assert.equal(user.logins.length, 1);
    });
  });
}

for (const client of [1, 2]) {
  test(`a challenge that a server of SDK 2.x words by itself leads a client of SDK ${client}.x to the scopes`, patiently, async (context) => {
    const { baseUrl, login } = await open(context, 'sdk2', client);
    const user = await login();
    user.answers = [];
    assert.ok((await user.call('publish')).scopes.includes('mcp:write'));
    const [refused, ...served] = user.answers;
    assert.equal(refused.status, 403);
    assert.ok(refused.challenge.includes(`resource_metadata="${baseUrl}/.well-known/oauth-protected-resource/mcp"`));
    assertServed(served);
  });
}

/** Starts a server, for users of its own. */
async function open(context, server, client) {
  const script = fileURLToPath(new URL(`servers/${server}.mjs`, import.meta.url));
  let running = await start(script, issuer.url);
  const baseUrl = running.line;
  context.after(() => running.end());
  return {
    baseUrl,
    token: (claims, options) => issuer.mint({ aud: `${baseUrl}/mcp`, ...claims }, options),
    async login() {
      const user = await new User(client, baseUrl).connect();
      context.after(() => user.close());
      return user;
    },
    async restart() {
      await running.end();
      running = await start(script, issuer.url, new URL(baseUrl).port);
    },
  };
}

/** From now on the user has this token, and its answers are counted anew. */
function present(user, accessToken, scope = user.tokens.scope) {
  user.tokens = { ...user.tokens, access_token: accessToken, scope };
  user.answers = [];
}

function assertServed(answers) {
  assert.ok(answers.length > 0);
  // 400 is no refusal: servers of 1.x do not know how clients of 2.x ask for the newest version.
  for (const { status } of answers) assert.ok([200, 202, 400].includes(status), `HTTP ${status}`);
}

/** The issuer is well again afterwards, whatever happens. */
async function during(outage, act) {
  await outage;
  try {
    await act();
  } finally {
    await issuer.outage(0);
  }
}

const claimsOf = ({ access_token }) => JSON.parse(Buffer.from(access_token.split('.')[1], 'base64url'));
const now = () => Math.floor(Date.now() / 1000);
