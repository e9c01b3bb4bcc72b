// Two worker threads, each with an Express server behind our middleware: `threads.mjs OPTIONS`; prints their base URLs.
// When its stdin ends it closes the servers, and fails unless threads and process end by themselves.

import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { listen } from './app.mjs';

const THREADS = 2;

if (isMainThread) {
  const start = () => new Worker(fileURLToPath(import.meta.url), { workerData: JSON.parse(process.argv[2]) });
  const workers = Array.from({ length: THREADS }, start);
  const ports = await Promise.all(workers.map((worker) => once(worker, 'message')));
  process.stdin.once('close', async () => {
    const exits = workers.map((worker) => once(worker, 'exit'));
    for (const worker of workers) worker.postMessage('close');
    for (const [code] of await Promise.all(exits)) process.exitCode ||= code;
  }).resume();
  console.log(ports.map(([port]) => `http://127.0.0.1:${port}`).join(' '));
} else {
  const listening = listen(workerData);
  await once(listening, 'listening');
  parentPort.once('message', () => { listening.close(); });
  parentPort.postMessage(listening.address().port);
}
