// A server whose every answer is the library's decision: `server.mjs ISSUER`; prints its base URL, ends with its stdin.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';

// By its place: the tests have no installation of their own.
const { Verifier } = createRequire(import.meta.url)('../../../bindings/node/dist/index.js');

let verifier;

/** The plumbing that a web framework adds: it decides nothing. */
async function answer(request, response) {
  const [path, query = ''] = request.url.split('?', 2);
  const body = (await request.toArray()).join('');
  const document = await verifier.wellKnown(request.method, path);
  if (document !== null) {
    send(response, document);
  } else if (path !== '/mcp') {
    response.writeHead(404).end();
  } else if (request.method === 'OPTIONS') {
    response.writeHead(204, {
      'access-control-allow-headers': 'Authorization, Content-Type, Accept, Mcp-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name, Last-Event-ID, DPoP',
      'access-control-allow-origin': '*',
    }).end();
  } else {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-expose-headers', 'Mcp-Session-Id, WWW-Authenticate');
    const decision = await verifier.authorize(authorization(request), { query });
    send(response, decision.allowed ? mcp(body) : decision);
  }
}

/** Node keeps the first of several lines alone; the library is to see them all. */
function authorization({ rawHeaders }) {
  const lines = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1].toLowerCase() === 'authorization');
  return lines.length === 0 ? undefined : lines.join(', ');
}

function mcp(body) {
  const { id } = JSON.parse(body || '{}');
  const result = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'ours', version: '1' } };
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: id ?? null, result }),
  };
}

function send(response, { status, headers, body }) {
  response.writeHead(status, headers).end(body);
}

const server = createServer((request, response) => void answer(request, response));
server.listen(0, '127.0.0.1', () => {
  const baseUrl = `http://127.0.0.1:${server.address().port}`;
  verifier = new Verifier({
    authkitDomain: process.argv[2],
    baseUrl,
    requiredScopes: ['mcp:read'],
    allowInsecureLoopback: true,
  });
  console.log(baseUrl);
});
process.stdin.once('close', () => process.exit(0)).resume();
