// Starts a server that prints one line when it answers, and ends with its stdin.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The line, and how to end the process; `end` resolves to its exit status. */
export async function start(script, ...parameters) {
  const child = spawn(process.execPath, [script, ...parameters], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit').then(([code, signal]) => code ?? signal);
  const early = exited.then((status) => { throw new Error(`${script} ended with ${status} before it answered`); });
  early.catch(() => {}); // its end after that is no failure
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), early]);
  const end = () => {
    child.stdin.end();
    return exited;
  };
  return { line, end };
}
