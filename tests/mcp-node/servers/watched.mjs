// An Express server behind our middleware whose loop is watched: `watched.mjs OPTIONS`; prints its base URL, ends with its stdin.

import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Verifier } from 'authkit-verifier';
import { requireAuthKit } from 'authkit-verifier/express';
import express from 'express';

const verifier = new Verifier(JSON.parse(process.argv[2]));
const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();

const app = express();
/** The longest time between two turns of the loop since the last request for it, in ms. */
app.get('/gap', (_, response) => {
  response.json(loop.max / 1e6);
  loop.reset();
});
app.use('/mcp', requireAuthKit({ verifier }), (request, response) => { response.send(request.authkit.subject); });

const listening = app.listen(0, '127.0.0.1', 1000);
await once(listening, 'listening');
process.stdin.once('close', () => process.exit(0)).resume();
console.log(`http://127.0.0.1:${listening.address().port}`);
