import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** The yardstick: node:http (node:https with a certificate and key as arguments) that reads a request and answers 'hello'. */
const answer: RequestListener = (request, response) => {
  request.resume();
  request.on('end', () => response.end('hello'));
};
const [certificate, key] = process.argv.slice(2);
const tls = certificate !== undefined && key !== undefined;
const server = tls
  ? createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) }, answer)
  : createServer(answer);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`ready http${tls ? 's' : ''}://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
process.once('SIGTERM', () => process.exit(0));
