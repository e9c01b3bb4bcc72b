// A Fetch handler of the TypeScript SDK 2.x behind our guard: `fetch2.mjs ISSUER [PORT]`.

import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { withAuthKit } from 'authkit-verifier/fetch';
import { guardOptions, listen } from '../support/serve.mjs';
import { handler } from './tools2.mjs';

const [issuer, port] = process.argv.slice(2);
const server = createServer();
const baseUrl = await listen(server, port);
const guarded = withAuthKit((request) => handler.fetch(request, { authInfo: request.auth }), guardOptions(issuer, baseUrl));
server.on('request', getRequestListener(guarded));
