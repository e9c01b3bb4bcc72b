// Starts a server that prints one line when it answers, and ends with its stdin or by a signal.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A script of Node's: the line, and how to end the process; `end` resolves to its exit status. */
export function start(script, ...parameters) {
  return startCommand([process.execPath, script, ...parameters]);
}

/** The same of any command. `options` are those of `spawn`; what goes to a piped stderr is kept in `log()`. */
export async function startCommand([command, ...parameters], options = {}) {
  const child = spawn(command, parameters, { stdio: ['pipe', 'pipe', 'inherit'], ...options });
  const exited = once(child, 'exit').then(([code, signal]) => code ?? signal);
  const early = exited.then((status) => { throw new Error(`${parameters[0] ?? command} ended with ${status} before it answered`); });
  early.catch(() => {}); // its end after that is no failure
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text) => { log += text; });
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), early]);
  const end = () => {
    child.stdin.end();
    return exited;
  };
  const terminate = () => {
    child.kill('SIGTERM');
    return exited;
  };
  return { line, end, terminate, log: () => log };
}
