// A Node server whose loop is watched: `node server.mjs SOCKET SETTINGS`. Its paths are measure.py's.

import { createServer } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";

import { AuthKitError, Verifier } from "../../bindings/node/dist/index.mjs";

const [, , socket, settings] = process.argv;
const verifier = new Verifier(JSON.parse(settings));
const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();

createServer({ keepAlive: false }, async (request, response) => {
  if (request.url === "/gap") {
    response.end(String(loop.max / 1e6));
    loop.reset();
    return;
  }
  try {
    await verifier.verify(request.headers.authorization.slice("Bearer ".length));
    response.end();
  } catch (error) {
    response.writeHead(error instanceof AuthKitError ? error.httpStatus : 500).end();
  }
}).listen({ path: socket, backlog: 1000 });
