// An open Express server of the TypeScript SDK 1.x, for a proxy to guard: its tools tell who the proxy says is calling.

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { serve, TOOLS } from '../support/serve.mjs';

/** Stateless, as behind a load balancer: a server for each request. */
async function mcp(request, response) {
  const server = new McpServer({ name: 'guarded', version: '1.0.0' });
  for (const tool of TOOLS) server.registerTool(tool, {}, ({ requestInfo }) => saying(requestInfo.headers));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on('close', () => { transport.close(); server.close(); });
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
}

const saying = (headers) => ({ content: [{ type: 'text', text: JSON.stringify(headers) }] });

await serve(express(), express.json(), mcp);
