// An MCP server on Express, open to who logs in at AuthKit, configured by the environment (AUTHKIT_DOMAIN, AUTHKIT_BASE_URL ...).

import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";

const notes = new Map();

function makeServer() {
  const server = new McpServer({ name: "notes", version: "1.0.0" });
  const text = (text) => ({ content: [{ type: "text", text }] });
  server.registerTool("whoami", { description: "Says who calls" }, ({ authInfo }) => text(authInfo.extra.claims.subject));
  server.registerTool("delete_notes", { description: "Deletes the caller's notes" }, ({ authInfo }) => {
    notes.delete(authInfo.extra.claims.subject);
    return text("deleted");
  });
  return server;
}

async function serveMcp(request, response) {
  const transport = new StreamableHTTPServerTransport(); // stateless: one for each request
  response.on("close", () => transport.close());
  await makeServer().connect(transport);
  await transport.handleRequest(request, response);
}

// [readme]
import { authkitRouter, requireAuthKit } from "authkit-verifier/mcp";

const app = express();
app.use(authkitRouter()); // what clients read before they have a token
app.all("/mcp", requireAuthKit({ toolScopes: { delete_notes: ["notes:write"] } }), serveMcp);
// [/readme]

const listening = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${listening.address().port}/mcp`);
});
