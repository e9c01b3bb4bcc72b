// Streamable HTTP with sessions: one server and one transport for each, found by the session's id.

import { randomUUID } from 'node:crypto';
import { EventStore } from './features.mjs';

/** An Express handler; `connect(transport)` makes the server of a new session. */
export function sessions(Transport, connect) {
  const transports = new Map();
  const open = async () => {
    const transport = new Transport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => { transports.set(id, transport); },
      onsessionclosed: (id) => { transports.delete(id); },
      eventStore: new EventStore(),
      retryInterval: 100,
    });
    await connect(transport);
    return transport;
  };
  return async (request, response) => {
    const id = request.headers['mcp-session-id'];
    if (id !== undefined && !transports.has(id)) return response.status(404).end();
    const transport = id === undefined ? await open() : transports.get(id);
    return transport.handleRequest(request, response, request.body);
  };
}
