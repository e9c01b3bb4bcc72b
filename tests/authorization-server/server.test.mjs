// Holds the local authorization server to AuthKit's shape, and its test endpoints to their README.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac, verify, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, importSPKI, jwtVerify } from 'jose';
import { login } from './login.mjs';

const RESOURCE = 'http://127.0.0.1:8000/mcp';
const ULID = '01[0-9A-HJKMNP-TV-Z]{24}';
const withPrefix = (prefix) => new RegExp(`^${prefix}${ULID}$`);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Starts the real command, and stops it when the test or suite is over. */
async function startServer(context, ...args) {
  const child = spawn(process.execPath, [here('server.mjs'), '--exit-with-stdin', ...args]);
  const stderr = [];
  child.stderr.on('data', (chunk) => stderr.push(chunk));
  const lines = createInterface({ input: child.stdout });
  const [first] = await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(([code]) => { throw new Error(`exit ${code}: ${Buffer.concat(stderr)}`); }),
  ]);
  const laterLines = [];
  lines.on('line', (line) => laterLines.push(line));
  const stop = async () => {
    if (child.exitCode !== null) return;
    child.stdin.end();
    await once(child, 'exit');
  };
  context?.after(stop);
  return { child, laterLines, stop, ...JSON.parse(first) };
}

async function post(server, name, body) {
  const response = await fetch(`${server.admin}/${name}`, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

async function mint(server, options) {
  const { status, body } = await post(server, 'mint', options);
  assert.equal(status, 200, body.error);
  return body.token;
}

async function getJson(url) {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  return response.json();
}

async function publicKeyPem(server) {
  return (await fetch(`${server.admin}/public-key.pem`)).text();
}

/** Verifies as a resource server would, with the keys that are published now. */
function verifyToken(server, token, audience = RESOURCE, algorithms = ['RS256']) {
  const jwks = createRemoteJWKSet(new URL(server.jwks_uri));
  return jwtVerify(token, jwks, { issuer: server.issuer, audience, algorithms });
}

const rejectedAs = (code) => (error) => error.code === code;
const BAD_SIGNATURE = rejectedAs('ERR_JWS_SIGNATURE_VERIFICATION_FAILED');
const UNKNOWN_KEY = rejectedAs('ERR_JWKS_NO_MATCHING_KEY');

describe('a server that nothing changes', () => {
  let server;
  before(async () => { server = await startServer(); });
  after(() => server.stop());

  test('ready_line_names_the_loopback_issuer_without_a_slash', () => {
    assert.match(server.issuer, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(server.jwks_uri, `${server.issuer}/oauth2/jwks`);
    assert.equal(server.admin, `${server.issuer}/test`);
    assert.match(server.client_id, withPrefix('client_'));
  });

  test('both_metadata_documents_have_authkits_endpoints', async () => {
    const metadata = await getJson(`${server.issuer}/.well-known/oauth-authorization-server`);
    assert.deepEqual(await getJson(`${server.issuer}/.well-known/openid-configuration`), metadata);
    assert.equal(metadata.issuer, server.issuer);
    assert.equal(metadata.jwks_uri, server.jwks_uri);
    assert.equal(metadata.authorization_endpoint, `${server.issuer}/oauth2/authorize`);
    assert.equal(metadata.token_endpoint, `${server.issuer}/oauth2/token`);
    assert.equal(metadata.registration_endpoint, `${server.issuer}/oauth2/register`);
    assert.equal(metadata.userinfo_endpoint, `${server.issuer}/oauth2/userinfo`);
    assert.deepEqual(metadata.code_challenge_methods_supported, ['S256']);
    assert.deepEqual(metadata.response_types_supported, ['code']);
    assert.deepEqual(metadata.grant_types_supported, ['authorization_code', 'refresh_token']);
    assert.deepEqual(metadata.scopes_supported, ['openid', 'profile', 'email', 'offline_access', 'mcp:read', 'mcp:write']);
    assert.ok(metadata.token_endpoint_auth_methods_supported.includes('none'));
  });

  test('jwks_has_authkits_members_and_a_certificate_of_the_same_key', async () => {
    const { keys } = await getJson(server.jwks_uri);
    assert.equal(keys.length, 1);
    const [key] = keys;
    assert.deepEqual(Object.keys(key).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use', 'x5c', 'x5t#S256']);
    assert.equal(key.use, 'sig');
    assert.equal(key.alg, 'RS256');
    assert.equal(key.kty, 'RSA');
    assert.equal(key.e, 'AQAB');
    assert.equal(Buffer.from(key.n, 'base64url').length, 256);
    assert.match(key.kid, withPrefix('sso_oidc_key_pair_'));
    const certificate = new X509Certificate(Buffer.from(key.x5c[0], 'base64'));
    assert.ok(certificate.verify(certificate.publicKey));
    assert.equal(certificate.publicKey.export({ format: 'jwk' }).n, key.n);
    const thumbprint = Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
    assert.equal(key['x5t#S256'], thumbprint);
  });

  test('login_gives_a_token_with_authkits_header_and_claims', async () => {
    const { access_token, client_id } = await login({ issuer: server.issuer, resource: RESOURCE, scope: 'openid mcp:read' });
    const { protectedHeader, payload } = await verifyToken(server, access_token);
    const { keys: [{ kid }] } = await getJson(server.jwks_uri);
    assert.deepEqual(protectedHeader, { alg: 'RS256', kid });
    const { sub, org_id, sid, jti, iat, exp, ...rest } = payload;
    assert.deepEqual(rest, { iss: server.issuer, aud: RESOURCE, client_id, scope: 'openid mcp:read' });
    assert.match(client_id, withPrefix('client_'));
    assert.match(sub, withPrefix('user_'));
    assert.match(org_id, withPrefix('org_'));
    assert.match(sid, withPrefix('session_'));
    assert.match(jti, withPrefix(''));
    assert.equal(exp - iat, 3600);
  });

  test('audience_is_the_resource_as_the_client_spelled_it', async () => {
    for (const resource of ['https://mcp.example.com', 'https://mcp.example.com/', 'https://mcp.example.com/a?b=c']) {
      const { access_token } = await login({ issuer: server.issuer, resource });
      assert.equal(decodeJwt(access_token).aud, resource);
    }
  });

  test('audience_falls_back_to_the_environments_client_id', async () => {
    const { access_token, client_id } = await login({ issuer: server.issuer });
    const { payload } = await verifyToken(server, access_token, server.client_id);
    assert.equal(payload.aud, server.client_id);
    assert.notEqual(payload.aud, client_id);
  });

  test('resource_that_is_no_http_uri_is_refused', async () => {
    await assert.rejects(login({ issuer: server.issuer, resource: 'urn:example:mcp' }), { error: 'invalid_target' });
  });

  test('authorization_without_pkce_is_refused', async () => {
    const redirect_uri = 'http://127.0.0.1:9/callback';
    const { client_id } = await register(server, { redirect_uris: [redirect_uri], token_endpoint_auth_method: 'client_secret_post' });
    const query = new URLSearchParams({ client_id, redirect_uri, response_type: 'code', scope: 'openid', resource: RESOURCE });
    const response = await fetch(`${server.issuer}/oauth2/authorize?${query}`, { redirect: 'manual' });
    const back = new URL(response.headers.get('location'));
    assert.equal(back.searchParams.get('error'), 'invalid_request');
    assert.match(back.searchParams.get('error_description'), /requires PKCE/);
  });

  test('registration_accepts_what_mcp_clients_send', async () => {
    const client = await register(server, {
      client_name: 'MCP client',
      redirect_uris: ['http://localhost:51234/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_post',
      scope: 'openid profile email offline_access mcp:read',
    });
    assert.match(client.client_id, withPrefix('client_'));
    assert.equal(typeof client.client_secret, 'string');
  });

  test('login_command_prints_the_token_alone', async () => {
    const { code, stdout } = await run('login.mjs', '--issuer', server.issuer, '--resource', RESOURCE, '--scope', 'mcp:write');
    assert.equal(code, 0);
    assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    assert.equal((await verifyToken(server, stdout.trim())).payload.scope, 'mcp:write');
  });

  test('login_command_fails_without_output_when_the_issuer_is_wrong', async () => {
    const { code, stdout, stderr } = await run('login.mjs', '--issuer', `${server.issuer}/wrong`, '--resource', RESOURCE);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.notEqual(stderr, '');
  });

  test('mint_makes_a_good_token_by_default', async () => {
    const token = await mint(server, { claims: { aud: RESOURCE } });
    const { payload } = await verifyToken(server, token);
    const { access_token } = await login({ issuer: server.issuer, resource: RESOURCE });
    assert.deepEqual(Object.keys(payload), Object.keys(decodeJwt(access_token)));
    assert.deepEqual(decodeProtectedHeader(token), decodeProtectedHeader(access_token));
    assert.equal(decodeJwt(await mint(server, {})).aud, server.client_id);
  });

  test('mint_sets_and_removes_header_and_claims', async () => {
    const token = await mint(server, {
      header: { typ: 'dpop+jwt' }, remove_header: ['kid'], claims: { aud: [RESOURCE, 'x'], exp: 1, nested: { a: null } }, remove: ['sid', 'org_id'],
    });
    assert.deepEqual(decodeProtectedHeader(token), { alg: 'RS256', typ: 'dpop+jwt' });
    const claims = decodeJwt(token);
    assert.deepEqual(claims.aud, [RESOURCE, 'x']);
    assert.deepEqual(claims.nested, { a: null });
    assert.equal(claims.exp, 1);
    assert.ok(!('sid' in claims) && !('org_id' in claims));
  });

  test('mint_signs_truly_with_every_rsa_algorithm_the_header_names', async () => {
    const pem = await publicKeyPem(server);
    for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']) {
      await jwtVerify(await mint(server, { header: { alg } }), await importSPKI(pem, alg), { algorithms: [alg] });
    }
  });

  test('mint_forges_with_a_foreign_key_under_the_current_kid', async () => {
    const token = await mint(server, { claims: { aud: RESOURCE }, signer: 'foreign' });
    await assert.rejects(verifyToken(server, token), BAD_SIGNATURE);
  });

  test('mint_tampers_with_a_claim_and_keeps_the_signature', async () => {
    const token = await mint(server, { claims: { aud: RESOURCE, sub: 'user_before' }, tamper: true });
    assert.match(decodeJwt(token).sub, withPrefix('user_'));
    await assert.rejects(verifyToken(server, token), BAD_SIGNATURE);
    const pem = await publicKeyPem(server);
    const [header, payload, signature] = token.split('.');
    const original = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(payload, 'base64url')), sub: 'user_before' })).toString('base64url');
    assert.ok(verify('sha256', Buffer.from(`${header}.${original}`), pem, Buffer.from(signature, 'base64url')));
  });

  test('mint_confuses_hs256_with_the_served_public_key', async () => {
    const pem = await publicKeyPem(server);
    const token = await mint(server, { signer: 'hs256-public-key' });
    const [header, payload, signature] = token.split('.');
    assert.equal(decodeProtectedHeader(token).alg, 'HS256');
    assert.equal(createHmac('sha256', pem).update(`${header}.${payload}`).digest('base64url'), signature);
  });

  test('mint_leaves_the_signature_empty_for_alg_none', async () => {
    const token = await mint(server, { signer: 'none' });
    assert.equal(decodeProtectedHeader(token).alg, 'none');
    assert.ok(token.endsWith('.') && token.split('.').length === 3);
  });

  test('mint_signs_with_a_key_retired_before_the_start', async () => {
    const token = await mint(server, { claims: { aud: RESOURCE }, signer: 'retired' });
    await assert.rejects(verifyToken(server, token), UNKNOWN_KEY);
  });

  test('test_endpoints_explain_what_they_refuse', async () => {
    assert.match((await post(server, 'mint', { signer: 'unknown' })).body.error, /signer must be one of/);
    assert.match((await post(server, 'mint', { claim: {} })).body.error, /unknown option "claim"/);
    assert.match((await post(server, 'outage', { status: 200 })).body.error, /status must be/);
    assert.equal((await post(server, 'mint', { signer: 'unknown' })).status, 400);
    assert.equal((await post(server, 'nothing', {})).status, 404);
  });

  test('stdout_stays_silent_after_the_ready_line', () => {
    assert.deepEqual(server.laterLines, []);
  });
});

test('rotation_signs_with_a_new_key_and_keeps_the_old_one_published', async (t) => {
  const server = await startServer(t);
  const [{ kid: oldKid }] = (await getJson(server.jwks_uri)).keys;
  const { access_token: old } = await login({ issuer: server.issuer, resource: RESOURCE });
  const { body } = await post(server, 'rotate', {});
  assert.notEqual(body.kid, oldKid);
  assert.deepEqual(body.kids, [body.kid, oldKid]);
  assert.deepEqual((await getJson(server.jwks_uri)).keys.map(({ kid }) => kid), body.kids);
  const { access_token } = await login({ issuer: server.issuer, resource: RESOURCE });
  assert.equal((await verifyToken(server, access_token)).protectedHeader.kid, body.kid);
  await verifyToken(server, old);
  const retired = await mint(server, { claims: { aud: RESOURCE }, signer: 'retired' });
  assert.equal((await verifyToken(server, retired)).protectedHeader.kid, oldKid);
});

test('rotation_with_drop_old_ends_the_old_keys_tokens', async (t) => {
  const server = await startServer(t);
  const old = await mint(server, { claims: { aud: RESOURCE } });
  const { body } = await post(server, 'rotate', { drop_old: true });
  assert.deepEqual(body.kids, [body.kid]);
  await verifyToken(server, await mint(server, { claims: { aud: RESOURCE } }));
  await assert.rejects(verifyToken(server, old), UNKNOWN_KEY);
  await assert.rejects(verifyToken(server, await mint(server, { claims: { aud: RESOURCE }, signer: 'retired' })), UNKNOWN_KEY);
});

test('outage_fails_the_jwks_alone_until_it_is_ended', async (t) => {
  const server = await startServer(t);
  await post(server, 'outage', { status: 500 });
  assert.equal((await fetch(server.jwks_uri)).status, 500);
  assert.equal((await fetch(`${server.issuer}/.well-known/oauth-authorization-server`)).status, 200);
  await post(server, 'outage', { status: 'reset' });
  await assert.rejects(fetch(server.jwks_uri), TypeError);
  await post(server, 'outage', { status: 0 });
  assert.equal((await fetch(server.jwks_uri)).status, 200);
});

test('outage_with_seconds_ends_by_itself', async (t) => {
  const server = await startServer(t);
  await post(server, 'outage', { status: 503, seconds: 0.05 });
  const deadline = Date.now() + 5000;
  let status;
  do { ({ status } = await fetch(server.jwks_uri)); } while (status === 503 && Date.now() < deadline);
  assert.equal(status, 200);
});

test('requests_are_counted_per_path', async (t) => {
  const server = await startServer(t);
  for (let i = 0; i < 3; i += 1) await getJson(server.jwks_uri);
  assert.deepEqual(await getJson(`${server.admin}/requests`), { '/oauth2/jwks': 3 });
  await fetch(`${server.admin}/requests`, { method: 'DELETE' });
  assert.deepEqual(await getJson(`${server.admin}/requests`), {});
});

test('offline_access_gives_a_refresh_token_that_keeps_the_audience', async (t) => {
  const server = await startServer(t);
  const first = await login({ issuer: server.issuer, resource: RESOURCE, scope: 'openid offline_access mcp:read' });
  await post(server, 'rotate', { drop_old: true });
  const response = await fetch(`${server.issuer}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', client_id: first.client_id, refresh_token: first.refresh_token }),
  });
  const { access_token } = await response.json();
  const { payload } = await verifyToken(server, access_token);
  assert.equal(payload.sid, decodeJwt(first.access_token).sid);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`server_exits_cleanly_on_${signal}`, async (t) => {
    const { child } = await startServer(t);
    child.kill(signal);
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });
}

test('server_exits_cleanly_when_stdin_closes', async (t) => {
  const { child } = await startServer(t);
  child.stdin.end();
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('server_fails_when_the_port_is_taken', async (t) => {
  const { issuer } = await startServer(t);
  await assert.rejects(startServer(t, '--port', new URL(issuer).port), /EADDRINUSE/);
});

async function register(server, metadata) {
  const response = await fetch(`${server.issuer}/oauth2/register`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(metadata),
  });
  assert.equal(response.status, 201);
  return response.json();
}

async function run(script, ...args) {
  const child = spawn(process.execPath, [here(script), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([child.stdout.toArray(), child.stderr.toArray(), once(child, 'close')]);
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}
