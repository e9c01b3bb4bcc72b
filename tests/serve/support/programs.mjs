// Starts the programs of the tests: `authkit serve`, nginx, Caddy; each ends with its test.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { exchange } from './http.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const BUILD = join(ROOT, 'build/serve');
// As on a machine without settings of ours.
const ENVIRONMENT = { PATH: process.env.PATH, HOME: process.env.HOME };
const { AUTHKIT_CLI, NGINX, CADDY, ENVOY } = process.env;

/** A directory for one test's files. Short, since a socket's path has some 100 octets at most. */
export function directory() {
  mkdirSync(BUILD, { recursive: true });
  return mkdtempSync(join(BUILD, 'run-'));
}

/** A process whose lines on standard error are kept; the first that matches `ready` is `found`. */
class Program {
  lines = [];
  #child;
  #exited;
  #read;

  constructor(path, parameters, options = {}) {
    this.#child = spawn(path, parameters, { env: ENVIRONMENT, stdio: ['ignore', 'ignore', 'pipe'], ...options });
    this.#exited = once(this.#child, 'exit').then(([code, signal]) => code ?? signal);
    this.#read = createInterface(this.#child.stderr).on('line', (line) => this.lines.push(line));
  }

  /** Stops reading what it says, or goes on. */
  listen(does) {
    if (does) this.#read.resume();
    else this.#read.pause();
  }

  /** Waits until there is such a line, and gives what it matched. */
  async line(pattern) {
    let status;
    this.#exited.then((ended) => { status = ended; });
    for (;;) {
      const found = this.lines.map((line) => pattern.exec(line)).find((match) => match);
      if (found) return found;
      if (status !== undefined) throw new Error(`it ended with ${status}: ${this.lines.join('\n')}`);
      await delay(5);
    }
  }

  async signal(name) {
    this.#child.kill(name);
  }

  /** Its exit status, after this signal; `undefined` sends none. */
  async end(signal = 'SIGTERM') {
    if (signal && this.#child.exitCode === null) this.#child.kill(signal);
    return this.#exited;
  }
}

/** `authkit serve` with these settings, when it listens; `address` is as `connect` takes it. */
export async function startServe(context, settings, ...parameters) {
  const flags = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  // Variables come last, as an object.
  const more = typeof parameters.at(-1) === 'object' ? parameters.pop() : {};
  const env = { ...ENVIRONMENT, ...more };
  const program = new Program(AUTHKIT_CLI, ['serve', '--allow-insecure-loopback', ...flags, ...parameters], { env });
  context.after(() => program.end('SIGKILL'));
  const [, told] = await program.line(/^authkit serve: listening on (\S+)$/);
  program.address = addressOf(told);
  return program;
}

/** What `authkit serve` says where it cannot start, and its exit status. */
export async function refusedServe(...parameters) {
  const program = new Program(AUTHKIT_CLI, ['serve', ...parameters]);
  const status = await program.end(null);
  return { status, told: program.lines.join('\n') };
}

function addressOf(told) {
  if (told.startsWith('unix:')) return { path: told.slice('unix:'.length) };
  const [, host, port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(told);
  return { host, port: Number(port) };
}

/** nginx with the recipe's very files, between authkit's socket and an upstream; its address. */
export function startNginx(context, { port, socket, upstream, edit = (text) => text }) {
  const at = directory();
  for (const name of readdirSync(join(ROOT, 'examples/nginx')).filter((name) => name !== 'mcp.conf')) {
    writeFileSync(join(at, name), recipe(`nginx/${name}`));
  }
  writeFileSync(join(at, 'mcp.conf'), edit(filled(recipe('nginx/mcp.conf'), {
    'listen 8080;': `listen 127.0.0.1:${port};`,
    '/run/authkit/authkit.sock': socket,
    '127.0.0.1:8000': upstream,
  })));
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${at}/${name};`);
  writeFileSync(join(at, 'nginx.conf'), `
    ${process.getuid() === 0 ? 'user root;' : ''}
    daemon off; worker_processes 1; pid ${at}/pid; error_log stderr info;
    events { worker_connections 512; }
    http { access_log off; ${places.join(' ')} include mcp.conf; }`);
  return started(context, new Program(NGINX, ['-p', at, '-e', 'stderr', '-c', join(at, 'nginx.conf')]), port);
}

/** Caddy with the recipe's very file. */
export function startCaddy(context, { port, socket, upstream }) {
  const at = directory();
  const options = '{\n\tadmin off\n\tauto_https off\n}\n';
  writeFileSync(join(at, 'Caddyfile'), options + filled(recipe('caddy/Caddyfile'), {
    ':8080 {': `:${port} {\n\tbind 127.0.0.1`,
    '/run/authkit/authkit.sock': socket,
    '127.0.0.1:8000': upstream,
  }));
  const env = { ...ENVIRONMENT, HOME: at, XDG_CONFIG_HOME: at, XDG_DATA_HOME: at };
  return started(context, new Program(CADDY, ['run', '--config', join(at, 'Caddyfile')], { env }), port);
}

/** Envoy with the recipe's very file. */
export function startEnvoy(context, { port, socket, upstream }) {
  const at = directory();
  writeFileSync(join(at, 'envoy.yaml'), filled(recipe('envoy/envoy.yaml'), {
    'address: 0.0.0.0, port_value: 8080': `address: 127.0.0.1, port_value: ${port}`,
    '/run/authkit/authkit.sock': socket,
    'address: 127.0.0.1, port_value: 8000': `address: 127.0.0.1, port_value: ${upstream.split(':')[1]}`,
  }));
  // No hot restart: its shared memory would be that of other Envoys, too.
  const parameters = ['-c', join(at, 'envoy.yaml'), '--disable-hot-restart', '--concurrency', '1', '--log-level', 'warning'];
  return started(context, new Program(ENVOY, parameters), port);
}

async function started(context, program, port) {
  context.after(() => program.end()); // nginx ends its workers then
  program.address = { host: '127.0.0.1', port };
  for (;;) {
    const answer = await exchange(program.address, 'GET /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: x\r\n\r\n').catch(() => {});
    if (answer !== undefined) return program;
    const ended = await Promise.race([program.end(null), delay(20)]);
    if (ended !== undefined) throw new Error(`it ended with ${ended}: ${program.lines.join('\n')}`);
  }
}

export const recipe = (name) => readFileSync(join(ROOT, 'examples', name), 'utf8');

/** The file with what is this machine's put in place of what it has; every such part must be there. */
function filled(text, replacements) {
  for (const [from, to] of Object.entries(replacements)) {
    assert.ok(text.includes(from), `the recipe has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** A port that was free just now: proxies cannot say which one they were given. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
