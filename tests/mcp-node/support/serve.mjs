// Runs servers whose MCP endpoint is behind our guard.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { Verifier } from 'authkit-verifier';
import { authkitRouter, requireAuthKit } from 'authkit-verifier/express';

/** All of them tell who calls. */
export const TOOLS = ['whoami', 'write'];

/** What the guard is told, whichever host it is for. */
export function guardOptions(authkitDomain, baseUrl) {
  const verifier = new Verifier({ authkitDomain, baseUrl, requiredScopes: ['mcp:read'], allowInsecureLoopback: true });
  return { verifier, toolScopes: { write: ['mcp:write'] }, cors: true };
}

/** Prints the server's base URL, and ends the process with its stdin. */
export async function listen(server, port = 0) {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${server.address().port}`;
  process.stdin.once('close', () => process.exit(0)).resume();
  console.log(baseUrl);
  return baseUrl;
}

/** An Express app with an MCP endpoint. The process's parameters are the issuer, without which it is open, and the port. */
export async function serve(app, ...mcp) {
  const [issuer, port] = process.argv.slice(2);
  const baseUrl = await listen(createServer(app), port);
  if (issuer !== undefined) {
    const options = guardOptions(issuer, baseUrl);
    app.use(authkitRouter({ verifier: options.verifier }));
    app.use('/mcp', requireAuthKit(options));
  }
  app.all('/mcp', ...mcp);
}
