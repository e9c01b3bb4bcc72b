// Starts the example servers in C and C++, and asks them.

import { once } from 'node:events';
import { request as send } from 'node:http';
import { connect, createServer } from 'node:net';
import { startCommand } from '../../mcp-node/support/process.mjs';

/** The programs, by what they are written in. */
export const SERVERS = { C: process.env.MCP_SERVER_C, 'C++': process.env.MCP_SERVER_CPP };

/** What a program runs under, such as valgrind with its options. */
const WRAPPER = process.env.WRAPPER?.split(' ') ?? [];

export const SCOPE = 'mcp:read';

/** A server on a port of the system's choice that knows no settings but these. */
export async function startServer(program, { domain, baseUrl }, { wrapped = false } = {}) {
  const settings = {
    AUTHKIT_DOMAIN: domain,
    AUTHKIT_BASE_URL: baseUrl,
    AUTHKIT_REQUIRED_SCOPES: SCOPE,
    AUTHKIT_ALLOW_INSECURE_LOOPBACK: 'true',
    PORT: '0',
  };
  const command = [...(wrapped ? WRAPPER : []), program];
  const { line, terminate, log } = await startCommand(command, { env: settings, stdio: ['ignore', 'pipe', 'pipe'] });
  const { port } = new URL(line);
  return { port, terminate, log };
}

/**
 * A server behind its public address, which it must know when it starts: what stands in front hands on every byte as it came.
 */
export async function startBehindFront(program, domain) {
  let port;
  const front = createServer((outside) => {
    const inside = connect(port, '127.0.0.1');
    outside.pipe(inside).pipe(outside);
    outside.on('error', () => inside.destroy());
    inside.on('error', () => outside.destroy());
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  const baseUrl = `http://127.0.0.1:${front.address().port}`;
  const server = await startServer(program, { domain, baseUrl });
  ({ port } = server);
  const end = () => {
    front.close();
    return server.terminate();
  };
  return { baseUrl, end };
}

/**
 * Sends a request, by default the call of a tool. `headers` is a list of names and values, so that one may come twice;
 * a `body` that is a list is sent in chunks, and of another `length` tells a lie.
 */
export function ask({ port }, {
  method = 'POST', path = '/mcp', headers = [], body = call('whoami'), length = Buffer.byteLength(String(body)), agent = false,
} = {}) {
  const chunks = method === 'POST' ? [body].flat() : [];
  const framing = Array.isArray(body) ? ['transfer-encoding', 'chunked'] : ['content-length', length];
  const framed = ['host', `127.0.0.1:${port}`, ...headers, ...(method === 'POST' ? framing : [])];
  return new Promise((resolve, reject) => {
    const sent = send({ host: '127.0.0.1', port, method, path, headers: framed, agent }, async (response) => {
      const text = (await response.toArray()).join('');
      resolve({ status: response.statusCode, headers: response.headers, text, reused: sent.reusedSocket });
    });
    sent.on('error', reject);
    for (const chunk of chunks) sent.write(chunk);
    sent.end();
  });
}

export const bearer = (token) => ['authorization', `Bearer ${token}`];

export const message = (method, params = {}, id = 1) => JSON.stringify({ jsonrpc: '2.0', id, method, params });

export const call = (tool) => message('tools/call', { name: tool, arguments: {} });
