// All features of the suite, served by the TypeScript SDK 2.x: `sdk2.mjs [ISSUER]`; with an issuer, behind our guard.

import { createMcpExpressApp } from '@modelcontextprotocol/express';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { Server } from '@modelcontextprotocol/server';
import { serve } from '../support/serve.mjs';
import { CAPABILITIES, METHODS } from './features.mjs';
import { sessions } from './sessions.mjs';

const contextOf = ({ mcpReq }, transport) => ({
  notify: mcpReq.notify,
  ask: (method, params) => mcpReq.send({ method, params }),
  progressToken: mcpReq._meta?.progressToken,
  closeStream: () => transport.closeSSEStream(mcpReq.id),
});

async function connect(transport) {
  const server = new Server({ name: 'conformance', version: '1.0.0' }, { capabilities: CAPABILITIES });
  for (const [method, answer] of Object.entries(METHODS)) {
    server.setRequestHandler(method, ({ params }, context) => answer(params, contextOf(context, transport)));
  }
  await server.connect(transport);
}

await serve(createMcpExpressApp(), sessions(NodeStreamableHTTPServerTransport, connect));
