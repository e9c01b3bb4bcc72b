// The server behind a proxy: keeps what it was asked, and sends events when the test lets it.

import { once } from 'node:events';
import { createServer } from 'node:http';

/** Answers with what it was asked; `/events` is a stream that `say` feeds. */
export async function startUpstream(context) {
  const streams = [];
  const asked = [];
  const connections = new Set();
  const server = createServer((request, response) => {
    const { method, url, rawHeaders, headers } = request;
    connections.add(request.socket);
    asked.push({ method, url, headers, rawHeaders });
    if (url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      streams.push(response);
      return;
    }
    // A refusal of its own, which is none of the guard's.
    const status = Number(headers['x-answer'] ?? 200);
    response.writeHead(status, { 'content-type': 'application/json', 'www-authenticate': 'Own' });
    response.end(JSON.stringify({ method, url, headers }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => { server.close(); server.closeAllConnections(); });
  return {
    address: `127.0.0.1:${server.address().port}`,
    asked,
    connections,
    say: (text) => streams.forEach((stream) => stream.write(`data: ${text}\n\n`)),
    end: () => streams.forEach((stream) => stream.end()),
  };
}
