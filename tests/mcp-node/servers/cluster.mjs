// Two processes of an Express server behind our middleware, one port: `cluster.mjs OPTIONS`; prints its base URL. When its
// stdin ends it lets both end by themselves, and fails unless they do.

import cluster from 'node:cluster';
import { once } from 'node:events';
import { listen } from './app.mjs';

const WORKERS = 2;

if (cluster.isPrimary) {
  const workers = Array.from({ length: WORKERS }, () => cluster.fork());
  const [[{ port }]] = await Promise.all(workers.map((worker) => once(worker, 'listening')));
  process.stdin.once('close', async () => {
    const exits = workers.map((worker) => once(worker, 'exit'));
    cluster.disconnect();
    for (const [code] of await Promise.all(exits)) process.exitCode ||= code ?? 1;
  }).resume();
  console.log(`http://127.0.0.1:${port}`);
} else {
  listen(JSON.parse(process.argv[2]));
}
