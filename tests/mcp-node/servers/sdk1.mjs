// An Express server of the TypeScript SDK 1.x behind our middleware: `sdk1.mjs ISSUER [PORT]`.

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { serve, TOOLS } from '../support/serve.mjs';

/** Stateless, as behind a load balancer: a server for each request. */
async function mcp(request, response) {
  const server = new McpServer({ name: 'guarded', version: '1.0.0' });
  for (const tool of TOOLS) server.registerTool(tool, {}, ({ authInfo }) => saying(authInfo));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on('close', () => { transport.close(); server.close(); });
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
}

const saying = ({ token, ...caller }) => ({ content: [{ type: 'text', text: JSON.stringify(caller) }] });

await serve(express(), express.json(), mcp);
