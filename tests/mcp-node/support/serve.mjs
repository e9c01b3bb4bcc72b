// Runs an Express app whose MCP endpoint is behind our middleware; prints its base URL, ends with its stdin.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { Verifier } from 'authkit-verifier';
import { authkitRouter, requireAuthKit } from 'authkit-verifier/express';

/** Both tell who calls. */
export const TOOLS = ['whoami', 'write'];

/** The process's parameters are the issuer, without which nothing is guarded, and the port. */
export async function serve(app, ...mcp) {
  const [issuer, port = 0] = process.argv.slice(2);
  const listening = createServer(app).listen(port, '127.0.0.1');
  await once(listening, 'listening');
  const baseUrl = `http://127.0.0.1:${listening.address().port}`;
  if (issuer !== undefined) {
    const verifier = new Verifier({
      authkitDomain: issuer,
      baseUrl,
      requiredScopes: ['mcp:read'],
      allowInsecureLoopback: true,
    });
    app.use(authkitRouter({ verifier }));
    app.use('/mcp', requireAuthKit({ verifier, toolScopes: { write: ['mcp:write'] }, cors: true }));
  }
  app.all('/mcp', ...mcp);
  process.stdin.once('close', () => process.exit(0)).resume();
  console.log(baseUrl);
}
