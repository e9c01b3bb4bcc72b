// 200 requests within a second while the keys take 3 s to come, at the start and when they are rotated: no good token
// fails. How long the server's loop stood still meanwhile is for `make bench-event-loop` to say, on a machine at rest.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REQUESTS, underLoad } from './support/load.mjs';

test('no good token fails under load, with a slow issuer and a rotation', { timeout: 120_000 }, async () => {
  const { cold, warm, rotation, keyRequests } = await underLoad();
  for (const { statuses } of [cold, warm, rotation]) assert.deepEqual(statuses, { 200: REQUESTS });
  assert.equal(keyRequests, 2);
});
