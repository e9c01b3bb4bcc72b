// Measures how the event loop of an Express server behind requireAuthKit() fares under a load, at the start and when its
// issuer rotates keys, while the keys take 3 s to come. Run it with `make bench-event-loop`.
//
// The server is a process of its own and counts by itself the longest gap between two turns of its loop; the gap of the
// idle phase is what the machine does to any program.

import { JWKS_SECONDS, REQUESTS, underLoad } from '../../tests/mcp-node/support/load.mjs';

const RUNS = 3;

console.log(`\n${REQUESTS} requests of as many users; the JWKS server takes ${JWKS_SECONDS} s; longest gaps of the loop in ms\n`);
console.log('| server | idle | keys there | cold | rotation | good tokens refused | last answer after the keys, ms | requests for keys |');
console.log('|---|---:|---:|---:|---:|---:|---:|---:|');
for (let run = 0; run < RUNS; run++) {
  const { idle, cold, warm, rotation, keyRequests } = await underLoad({ rest: JWKS_SECONDS });
  const refused = [cold, warm, rotation].reduce((sum, { statuses }) => sum + REQUESTS - (statuses[200] ?? 0), 0);
  const gaps = [idle, warm, cold, rotation].map(({ gap }) => gap.toFixed(1));
  const late = Math.max(cold.late, rotation.late).toFixed(0);
  console.log(`| Express, requireAuthKit | ${[...gaps, refused, late, keyRequests].join(' | ')} |`);
}
