// All features of the suite, served by the TypeScript SDK 1.x: `sdk1.mjs [ISSUER]`; with an issuer, behind our guard.

import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import * as types from '@modelcontextprotocol/sdk/types.js';
import { serve } from '../support/serve.mjs';
import { CAPABILITIES, METHODS } from './features.mjs';
import { sessions } from './sessions.mjs';

const REQUESTS = {
  'tools/list': types.ListToolsRequestSchema,
  'tools/call': types.CallToolRequestSchema,
  'resources/list': types.ListResourcesRequestSchema,
  'resources/templates/list': types.ListResourceTemplatesRequestSchema,
  'resources/read': types.ReadResourceRequestSchema,
  'resources/subscribe': types.SubscribeRequestSchema,
  'resources/unsubscribe': types.UnsubscribeRequestSchema,
  'prompts/list': types.ListPromptsRequestSchema,
  'prompts/get': types.GetPromptRequestSchema,
  'completion/complete': types.CompleteRequestSchema,
  'logging/setLevel': types.SetLevelRequestSchema,
};
const RESULTS = { 'sampling/createMessage': types.CreateMessageResultSchema, 'elicitation/create': types.ElicitResultSchema };

const contextOf = (extra, transport) => ({
  notify: extra.sendNotification,
  ask: (method, params) => extra.sendRequest({ method, params }, RESULTS[method]),
  progressToken: extra._meta?.progressToken,
  closeStream: () => transport.closeSSEStream(extra.requestId),
});

async function connect(transport) {
  const server = new Server({ name: 'conformance', version: '1.0.0' }, { capabilities: CAPABILITIES });
  for (const [method, answer] of Object.entries(METHODS)) {
    server.setRequestHandler(REQUESTS[method], ({ params }, extra) => answer(params, contextOf(extra, transport)));
  }
  await server.connect(transport);
}

await serve(createMcpExpressApp(), sessions(StreamableHTTPServerTransport, connect));
