// An authenticated loopback proxy: hands each request on as it came, with a bearer token.

import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import { pipeline } from 'node:stream';

/** `token` is asked for each request's token. Resolves to the proxy's base URL and the way to end it. */
export async function startProxy(baseUrl, token) {
  const { hostname, port } = new URL(baseUrl);
  const proxy = createServer(async (request, response) => {
    const headers = { ...request.headers, authorization: `Bearer ${await token()}` };
    const onward = send({ hostname, port, method: request.method, path: request.url, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers).flushHeaders();
      pipeline(answer, response, () => {}); // whoever ends it, ends both
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const end = () => {
    proxy.close();
    proxy.closeAllConnections();
  };
  return { baseUrl: `http://127.0.0.1:${proxy.address().port}`, end };
}
