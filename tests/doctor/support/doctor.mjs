// Runs `authkit doctor`, the command that AUTHKIT_CLI names.

import { spawn } from 'node:child_process';

/** Findings on our own authorization server: no client ID metadata documents, and no word on how long keys keep. */
export const OF_THE_AUTHORIZATION_SERVER = { 'as.cimd': 'warn', 'jwks.cache': 'note' };

/** The report, of a run that knows no settings but these. `more` are further arguments. */
export async function examine({ issuer, baseUrl, scope, token, more = [] }) {
  const args = [
    'doctor', '--json', '--authkit-domain', issuer, '--base-url', baseUrl, '--required-scopes', scope,
    '--allow-insecure-loopback', ...more, ...(token ? ['--token-file', '-'] : []),
  ];
  const child = spawn(process.env.AUTHKIT_CLI, args, { env: {}, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => {}); // one that ends before it reads is told by its output
  child.stdin.end(token);
  const output = (await child.stdout.toArray()).join('');
  return JSON.parse(output);
}

/** Every check that is neither met nor skipped, with its finding. */
export function missed({ checks }) {
  const entries = checks.filter(({ finding }) => finding !== 'pass' && finding !== 'skip');
  return Object.fromEntries(entries.map(({ id, finding }) => [id, finding]));
}
