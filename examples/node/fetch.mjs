// An MCP server as one function from Request to Response, as Hono, Next and others want it, open to who logs in at AuthKit.

import { serve } from "@hono/node-server";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";

function makeServer() {
  const server = new McpServer({ name: "who", version: "1.0.0" });
  server.registerTool("whoami", { description: "Says who calls" }, ({ authInfo }) => ({
    content: [{ type: "text", text: authInfo.extra.claims.subject }],
  }));
  return server;
}

// [readme]
import { withAuthKit } from "authkit-verifier/fetch";

const handler = withAuthKit(async (request) => {
  const transport = new WebStandardStreamableHTTPServerTransport(); // stateless: one for each request
  await makeServer().connect(transport);
  return transport.handleRequest(request, { authInfo: request.auth });
});
// [/readme]

serve({ fetch: (request) => handler(request), hostname: "127.0.0.1", port: Number(process.env.PORT ?? 3000) }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}/mcp`);
});
