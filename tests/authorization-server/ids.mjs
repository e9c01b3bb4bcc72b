// Identifiers spelled as WorkOS spells them: a prefix and a ULID, `user_01…`.

import { createHash, randomBytes } from 'node:crypto';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The user, organization and environment that every token of this server belongs to. */
export const USER = 'user_01JZ0T7W5Q3M8K2N6R4V9X1ADA';
export const ORGANIZATION = 'org_01JZ0T7W5Q3M8K2N6R4V9X1ACM';
export const ENVIRONMENT_CLIENT = 'client_01JZ0T7W5Q3M8K2N6R4V9X1ENV';

/** A new identifier; with a `seed`, always the same one for that seed. */
export function newId(prefix, seed) {
  const bytes = seed === undefined ? randomBytes(24) : createHash('sha256').update(seed).digest().subarray(0, 24);
  return `${prefix}01${Array.from(bytes, (byte) => CROCKFORD[byte % 32]).join('')}`;
}
