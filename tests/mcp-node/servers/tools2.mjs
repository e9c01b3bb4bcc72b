// The tools of a server of the TypeScript SDK 2.x: each tells who calls.

import { createMcpHandler, McpServer, requireScopes } from '@modelcontextprotocol/server';
import { TOOLS } from '../support/serve.mjs';

export const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'guarded', version: '1.0.0' });
  for (const tool of TOOLS) server.registerTool(tool, {}, ({ http: { authInfo } }) => saying(authInfo));
  const scopeChallenge = requireScopes('mcp:read', 'mcp:write');
  server.registerTool('publish', { scopeChallenge }, ({ http: { authInfo } }) => saying(authInfo));
  return server;
});

const saying = ({ token, ...caller }) => ({ content: [{ type: 'text', text: JSON.stringify(caller) }] });
