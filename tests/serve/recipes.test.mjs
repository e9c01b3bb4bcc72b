// What no recipe may get wrong, in each proxy that can be run: whatever a client sends as headers or path, the server behind
// is told what authkit has said and nothing else, and no path is another's for one of the three that read it.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startIssuer } from '../mcp-node/support/issuer.mjs';
import { ask, bearer, Connection } from './support/http.mjs';
import { directory, freePort, recipe, startCaddy, startEnvoy, startNginx, startServe } from './support/programs.mjs';
import { startUpstream } from './support/upstream.mjs';

// Far beyond what any test takes: ends a test that hangs.
const patiently = { timeout: 120_000 };
const OWN = 'proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Own own;';

/** How people change the recipe for nginx, who know nothing of how its headers are inherited. */
const NGINX = {
  'nginx': (text) => text,
  'nginx, headers of one\'s own before': (text) => text.replace('include authkit_proxy.conf;', `${OWN} include authkit_proxy.conf;`),
  'nginx, headers of one\'s own behind': (text) => text.replace('include authkit_proxy.conf;', `include authkit_proxy.conf; ${OWN}`),
  'nginx, headers of one\'s own in the server': (text) => text.replace('include authkit.conf;', `${OWN} include authkit.conf;`),
  'nginx, a location of one\'s own': (text) => text.replace(/include authkit\.conf;.*/, `include authkit.conf;
    location / { ${OWN} auth_request off; proxy_pass http://mcp_server; }
    location ~* ^/(admin|mcp) { ${OWN} satisfy any; allow all; proxy_pass http://mcp_server; }
    location = /mcp { ${OWN} error_page 403 = /mcp; proxy_pass http://mcp_server; }`),
  'nginx, names with underscores': (text) => text.replace('upstream authkit {', 'underscores_in_headers on; ignore_invalid_headers off; merge_slashes off;\n upstream authkit {'),
};
const RECIPES = {
  ...Object.fromEntries(Object.entries(NGINX).map(([name, edit]) => [name, (context, places) => startNginx(context, { ...places, edit })])),
  'nginx, a server of one\'s own behind it': async (context, places) => {
    const own = await freePort();
    const behind = recipe('nginx/behind.conf').replaceAll('127.0.0.1:8001', `127.0.0.1:${own}`)
      .replace('127.0.0.1:8000', places.upstream).replace('location / {', `location / { ${OWN}`);
    const edit = (text) => text.replace(`server ${places.upstream};`, `server 127.0.0.1:${own};`) + behind;
    return startNginx(context, { ...places, edit });
  },
  Caddy: startCaddy,
  Envoy: startEnvoy,
};

let issuer;
before(async () => { issuer = await startIssuer(); });
after(() => issuer.end());

const HEADERS = ['Subject', 'Client-Id', 'Scopes', 'Issuer', 'Kind', 'Family', 'Expires-At', 'Org-Id', 'Session-Id', 'Role', 'Permissions', 'Impersonated', 'Actor'];
const NAMES = HEADERS.map((name) => `X-Authkit-${name}`);

/** The lines that a server could take for ours, under one spelling of their names; CGI and WSGI know no other. */
const ours = (lines) => lines.map(([name, value]) => [name.toLowerCase().replaceAll('_', '-'), value]).filter(([name]) => name.startsWith('x-authkit-'));
const pairs = (raw) => raw.flatMap((name, index) => (index % 2 ? [] : [[name, raw[index + 1]]]));
/** A header without a value may be left out on the way. */
const told = (lines) => ours(lines).filter(([, value]) => value !== '').sort();

/** Ways to spell a header's name. */
const spelled = (name) => [name, name.toLowerCase(), name.toUpperCase(), name.replaceAll('-', '_'), name.toUpperCase().replaceAll('-', '_'), name.replace(/-(?=[^-]*$)/, '_')];

/** What clients send to be told about otherwise, each as header lines. */
function forgeries() {
  const lines = [];
  for (const name of NAMES) {
    for (const spelling of spelled(name)) lines.push([[spelling, 'forged']], [[spelling, 'forged'], [spelling, 'forged']], [[spelling, '']]);
    for (const value of [name, name.toLowerCase(), `close, ${name}`, `keep-alive,${name} , X-Other`]) lines.push([['Connection', value]]);
    lines.push([['Connection', 'keep-alive'], ['Connection', name]], [['connection', name], [name, 'forged']]);
    lines.push([['Keep-Alive', name], ['TE', name], ['Trailer', name], ['Proxy-Connection', name]]);
  }
  lines.push([['Connection', NAMES.join(', ')]], [['Connection', 'Authorization']], [['Connection', 'X-Original-URI, X-Forwarded-Uri, X-Authkit-Require-Scopes, Host']]);
  lines.push([['X-Authkit-Require-Scopes', '']]);
  return lines;
}

for (const [proxy, start] of Object.entries(RECIPES)) {
  describe(proxy, patiently, () => {
    let run;
    const undo = [];
    before(async () => {
      const context = { after: (act) => undo.push(act) };
      const socket = join(directory(), 'a.sock');
      const port = await freePort();
      const baseUrl = `http://127.0.0.1:${port}`;
      await startServe(context, { 'authkit-domain': issuer.url, 'base-url': baseUrl, 'required-scopes': 'mcp:read', listen: `unix:${socket}` });
      const upstream = await startUpstream(context);
      const { address } = await start(context, { port, socket, upstream: upstream.address });
      run = { address, socket, upstream, mint: (claims) => issuer.mint({ aud: `${baseUrl}/mcp`, ...claims }) };
    });
    after(() => Promise.all(undo.map((act) => act())));

    test('what arrives at the server is what authkit said, whatever the client has sent beside its token', async () => {
      const token = await run.mint({ sub: 'user_1', act: { sub: 'admin_1' } });
      const said = told((await ask({ path: run.socket }, '/authorize', [bearer(token)])).lines);
      assert.ok(said.some(([name, value]) => name === 'x-authkit-actor' && value === 'admin_1'), JSON.stringify(said));
      let passed = 0;
      for (const lines of [[], ...forgeries()]) {
        const seen = run.upstream.asked.length;
        const { status } = await ask(run.address, '/mcp', [bearer(token), ...lines, ['Content-Length', '0']], 'POST');
        const asked = run.upstream.asked.slice(seen);
        if (status !== 200) {
          // The proxy may refuse what is odd, with nobody behind it having heard of it.
          assert.ok([400, 401].includes(status), `${status}: ${JSON.stringify(lines)}`);
          assert.equal(asked.length, 0);
          continue;
        }
        passed += 1;
        const arrived = pairs(asked[0].rawHeaders);
        assert.deepEqual(told(arrived), said, JSON.stringify(lines));
        assert.ok(!arrived.some(([name]) => /^authorization$/i.test(name)), JSON.stringify(lines));
        assert.ok(!JSON.stringify(arrived).includes(token));
      }
      assert.ok(passed > NAMES.length, 'the forgeries were not tried');
    });

    test('the server learns where the request came from, from the proxy alone', async () => {
      const seen = run.upstream.asked.length;
      const lines = [['X-Real-IP', '6.6.6.6'], ['X-Forwarded-For', '6.6.6.6'], ['X-Forwarded-Host', 'evil.example'], ['Forwarded', 'for=6.6.6.6']];
      assert.equal((await ask(run.address, '/mcp', [bearer(await run.mint()), ...lines])).status, 200);
      const { headers } = run.upstream.asked[seen];
      assert.match(headers['x-real-ip'], /^127\.0\.0\.1(, 127\.0\.0\.1)?$/);
      assert.ok(!JSON.stringify(headers).includes('evil.example'), JSON.stringify(headers));
      assert.equal(headers.forwarded, undefined);
      // Envoy appends to what the client says of the way.
      assert.match(headers['x-forwarded-for'], proxy === 'Envoy' ? /^6\.6\.6\.6,[\d.]+$/ : /^127\.0\.0\.1$/);
    });

    test('a path\'s scope is demanded of whatever a server may read as that path', async () => {
      const [plain, admin] = [bearer(await run.mint()), bearer(await run.mint({ scope: 'mcp:read mcp:admin' }))];
      for (const path of adminPaths()) {
        const seen = run.upstream.asked.length;
        const { status } = await ask(run.address, path, [plain]);
        assert.ok([400, 403, 404].includes(status) || !run.upstream.asked.slice(seen).some(({ url }) => readings(url).some(isAdmin)), `${path}: ${status}`);
        const { status: allowed } = await ask(run.address, path, [admin]);
        assert.ok([200, 400, 404].includes(allowed), `${path}: ${allowed}`);
      }
      for (const path of ['/admin', '/admin/', '/admin/x', '/admin?x=1', '/ADMIN', '/Admin/x']) {
        assert.equal((await ask(run.address, path, [plain])).status, 403, path);
        assert.equal((await ask(run.address, path, [admin])).status, 200, path);
      }
      for (const path of ['/administrator', '/admin-panel', '/mcp?x=/admin', '/mcp']) assert.equal((await ask(run.address, path, [plain])).status, 200, path);
    });

    test('no path makes a document of a guarded place, nor a guarded place of a document', async () => {
      const good = bearer(await run.mint());
      for (const path of crossings()) {
        for (const lines of [[], [good]]) {
          const seen = run.upstream.asked.length;
          const answer = await ask(run.address, path, lines);
          const passed = run.upstream.asked.slice(seen);
          assert.deepEqual(ours(answer.lines), [], `${path}: the client is sent what is for the server`);
          if (lines.length === 0) assert.equal(passed.length, 0, `${path} without a token`);
          // The answer is one of three: a document, the server's, or a refusal.
          const isDocument = answer.status === 200 && passed.length === 0;
          if (isDocument) assert.ok(JSON.parse(answer.body).resource ?? JSON.parse(answer.body).issuer, path);
          // A document, only where the server would not have been meant: every reading is one.
          if (isDocument) assert.ok(readings(path).some((reading) => reading.startsWith('/.well-known/')), path);
          assert.ok(isDocument || passed.length === 1 || answer.status >= 400, `${path}: ${answer.status}`);
        }
      }
      for (const path of ['/.well-known/oauth-protected-resource', '/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']) {
        assert.equal((await ask(run.address, path)).status, 200, path);
      }
    });

    test('a request smuggled behind another is judged by itself', async () => {
      const good = bearer(await run.mint());
      const connection = await Connection.open(run.address);
      const inner = 'GET /admin HTTP/1.1\r\nHost: x\r\n\r\n';
      const seen = run.upstream.asked.length;
      connection.send(`POST /mcp HTTP/1.1\r\nHost: x\r\n${good.join(': ')}\r\nContent-Length: 0\r\n\r\n${inner}`);
      const first = await connection.ask('');
      const second = await connection.ask('');
      connection.close();
      assert.deepEqual([first.status, second.status], [200, 401]);
      assert.equal(run.upstream.asked.length, seen + 1);
    });
  });
}

/** A path as this server or that one may read it: as it is, decoded, cleaned, both, without parameters; without its query. */
function readings(target) {
  const raw = target.split('?')[0].replace(/^https?:\/\/[^/]*/i, '');
  const decoded = safely(raw);
  const withoutParameters = (path) => path.replace(/;[^/]*/g, '');
  const read = [raw, decoded, cleaned(raw), cleaned(decoded), cleaned(withoutParameters(raw)), cleaned(withoutParameters(decoded))];
  return read.map((path) => path.toLowerCase());
}

function safely(path) {
  return path.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

function cleaned(path) {
  const kept = [];
  for (const segment of path.replaceAll('\\', '/').split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

const isAdmin = (path) => /^[/\\]+admin(?![a-z0-9_-])/.test(path);

function adminPaths() {
  const names = ['admin', 'ADMIN', 'aDmIn', '%61dmin', '%61%64%6d%69%6e'];
  const before = ['/', '//', '/./', '/mcp/../', '/mcp/%2e%2e/', '/%2e/', '/mcp/..%2f', '/mcp%2f..%2f', '/%2f', '\\', '/\\', '/mcp/..\\', '/%5c', 'http://test/'];
  const behind = ['', '/', '/x', '//x', '?x', '?x=/mcp', '/.', '/..', '/../mcp', '/../admin/x', '%2f', '%2fx', '%5cx', ';x', '%3bx', '.json', '%20', '%00', '%0a', '%09', '%', '%23', '#x', '/..;/x', '/%2e%2e/mcp', '\\x'];
  return before.flatMap((head) => names.flatMap((name) => behind.map((tail) => head + name + tail)));
}

function crossings() {
  const documents = ['.well-known/oauth-protected-resource', '.well-known/oauth-authorization-server', '.well-known/openid-configuration'];
  const guarded = ['mcp', 'admin', 'healthz', 'readyz', 'metrics', 'authorize', 'refusal', 'authorize/x', '_authkit/authorize', '_authkit/door/mcp', '_authkit/known/mcp', '_authkit/refusal'];
  const ways = ['/../', '/%2e%2e/', '/..%2f', '%2f..%2f', '/..;/', '/..\\', '\\..\\', '//../', '/./../', '%00/../'];
  const up = (depth) => ways.map((way) => way.repeat(depth).replaceAll('//', '/'));
  const outOf = documents.flatMap((document) => guarded.flatMap((place) => up(document.split('/').length).map((way) => `/${document}${way}${place}`)));
  const into = guarded.flatMap((place) => documents.flatMap((document) => up(place.split('/').length).map((way) => `/${place}${way}${document}`)));
  const plain = guarded.map((place) => `/${place}`).concat(documents.flatMap((document) => [`//${document}`, `/./${document}`, `/${document.replace('.', '%2e')}`, `/${document.toUpperCase()}`, `/${document}%2fmcp`, `/x/${document}`, `http://test/${document}`]));
  return [...outOf, ...into, ...plain].map((path) => path.replaceAll(' ', ''));
}
