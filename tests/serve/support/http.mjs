// HTTP/1.1 octet by octet: what no client library would send, and every header line of an answer.

import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends octets on a connection of its own; the answer. */
export async function exchange(address, octets) {
  const connection = await Connection.open(address);
  try {
    return await connection.ask(octets);
  } finally {
    connection.close();
  }
}

/** A GET, or another request, with header lines as pairs. */
export function ask(address, path, lines = [], method = 'GET') {
  return exchange(address, head(path, lines, method));
}

export function head(path, lines = [], method = 'GET') {
  return [`${method} ${path} HTTP/1.1`, 'Host: test', ...lines.map((line) => line.join(': ')), '', ''].join('\r\n');
}

export const bearer = (token) => ['Authorization', `Bearer ${token}`];

export class Connection {
  #socket;
  #read = Buffer.alloc(0);
  #ended = false;

  static async open(address) {
    const socket = connect(address);
    await once(socket, 'connect');
    return new Connection(socket);
  }

  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (octets) => { this.#read = Buffer.concat([this.#read, octets]); });
    socket.on('close', () => { this.#ended = true; });
    socket.on('error', () => {}); // its end is what is asked about
  }

  /** Sends a request and reads one answer: `{ status, headers, lines, body }`. */
  async ask(octets) {
    this.send(octets);
    const text = await this.#until(() => {
      const end = this.#read.indexOf('\r\n\r\n');
      return end < 0 ? undefined : this.#take(end + 4).toString('latin1');
    });
    const [first, ...rest] = text.slice(0, -4).split('\r\n');
    const lines = rest.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]);
    const answer = { status: Number(first.split(' ')[1]), headers: Object.fromEntries(lines), lines, body: '' };
    const isBodiless = octets.toString().startsWith('HEAD ') || answer.status === 204;
    if (!isBodiless) answer.body = await this.#body(answer.headers);
    return answer;
  }

  send(octets) {
    this.#socket.write(octets, 'latin1');
  }

  /** Calls with every text that arrives. */
  tap(take) {
    this.#socket.on('data', (octets) => take(octets.toString()));
  }

  get isOpen() {
    return !this.#ended;
  }

  async closed() {
    if (!this.#ended) await once(this.#socket, 'close');
  }

  close() {
    this.#socket.destroy();
  }

  async #body(headers) {
    if (headers['transfer-encoding'] !== 'chunked') {
      const length = Number(headers['content-length'] ?? 0);
      return this.#until(() => (this.#read.length < length ? undefined : this.#take(length).toString()));
    }
    for (let body = ''; ;) {
      const size = await this.#until(() => {
        const end = this.#read.indexOf('\r\n');
        return end < 0 ? undefined : parseInt(this.#take(end + 2).toString(), 16);
      });
      const chunk = await this.#until(() => (this.#read.length < size + 2 ? undefined : this.#take(size + 2)));
      if (size === 0) return body;
      body += chunk.subarray(0, size).toString();
    }
  }

  #take(length) {
    const taken = this.#read.subarray(0, length);
    this.#read = this.#read.subarray(length);
    return taken;
  }

  async #until(look) {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.#ended) throw new Error('the connection was closed before the answer was there');
      await Promise.race([once(this.#socket, 'data'), once(this.#socket, 'close')]);
    }
  }
}
