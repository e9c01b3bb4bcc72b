// A local authorization server in AuthKit's shape: `node server.mjs [--port N] [--exit-with-stdin]`.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { answerAdmin, json, TestControls } from './admin.mjs';
import { ENVIRONMENT_CLIENT } from './ids.mjs';
import { Keys } from './keys.mjs';
import { createProvider, finishInteraction } from './provider.mjs';
import { memoryStorage } from './storage.mjs';

const { values: options } = parseArgs({
  options: { port: { type: 'string', default: '0' }, 'exit-with-stdin': { type: 'boolean', default: false } },
});

const keys = await Keys.create();
const controls = new TestControls();
const server = createServer();
server.listen(Number(options.port), '127.0.0.1');
await once(server, 'listening');

const issuer = `http://127.0.0.1:${server.address().port}`;
const permanent = { issuer, storage: memoryStorage(), cookieKeys: [randomBytes(32).toString('hex')] };
let provider;
let answerOAuth;
startProvider();

// A rotation is what an operator would do: the provider starts again with new keys over the same storage.
function startProvider() {
  provider = createProvider({ ...permanent, keys });
  answerOAuth = provider.callback();
}

server.on('request', (request, response) => {
  answer(request, response).catch((error) => {
    console.error(error);
    if (response.headersSent) response.destroy();
    else send(response, json(500, { error: String(error) }));
  });
});

async function answer(request, response) {
  const { pathname } = new URL(request.url, issuer);
  if (pathname.startsWith('/test/')) return send(response, await admin(request, pathname));
  controls.count(pathname);
  if (pathname === '/oauth2/jwks') return answerJwks(response);
  if (await finishInteraction(provider, request, response)) return undefined;
  return answerOAuth(request, response);
}

async function admin(request, pathname) {
  try {
    const body = JSON.parse(await text(request) || '{}');
    return await answerAdmin(`${request.method} ${pathname}`, body, { issuer, keys, controls, onRotate: startProvider });
  } catch (error) {
    return json(400, { error: error.message });
  }
}

function answerJwks(response) {
  const { outage } = controls;
  if (outage === 'reset') return response.destroy();
  if (outage !== undefined) return send(response, json(outage, { error: 'outage' }));
  response.setHeader('access-control-allow-origin', '*');
  return send(response, json(200, keys.publicJwks()));
}

function send(response, [status, type, body]) {
  response.writeHead(status, { 'content-type': type }).end(body);
}

for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0));
if (options['exit-with-stdin']) process.stdin.once('close', () => process.exit(0)).resume();

console.log(JSON.stringify({
  issuer, jwks_uri: `${issuer}/oauth2/jwks`, admin: `${issuer}/test`, client_id: ENVIRONMENT_CLIENT,
}));
