// The hook of Node: connections to the hosts of the real service go to the server of HTTPS_PROXY instead.
// fetch, https and the clients that are made of them all connect by net. The port of the server speaks TLS itself, and
// TLS knows the name of the host, so no proxy is needed.
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');

const hosts = new Set(fs.readFileSync(path.join(__dirname, 'hosts.txt'), 'utf8').trim().split('\n'));
const connectSocket = net.Socket.prototype.connect;
const connectTls = tls.connect;

net.Socket.prototype.connect = function (...args) {
  const given = Array.isArray(args[0]) ? args[0] : args;
  const named = options(given);
  const proxy = proxyFor(named);
  if (!proxy) return connectSocket.apply(this, args);
  const host = proxy.hostname.replace(/^\[|\]$/g, '');
  const there = { ...named, host, port: Number(proxy.port), lookup: undefined };
  connectSocket.apply(this, [there, ...functions(given)]);
  if (proxy.username && !(this instanceof tls.TLSSocket)) this.write(preamble(proxy.username));
  return this;
};

// The preamble comes before TLS, so TLS needs a socket that has sent it.
tls.connect = function (...args) {
  const named = options(args);
  if (!proxyFor(named)?.username || named.socket) return connectTls.apply(this, args);
  const socket = net.connect({ host: named.host, port: named.port });
  return connectTls.apply(this, [{ ...named, socket }, ...functions(args)]);
};

// The options of connect(options), connect(port, options) and connect(port, host, options).
function options(args) {
  const [port, host] = args;
  const first = typeof port === 'object' ? {} : { port, host: typeof host === 'string' ? host : undefined };
  return Object.assign(first, ...args.filter((one) => typeof one === 'object'));
}

function functions(args) {
  return args.filter((one) => typeof one === 'function');
}

// The URL of the proxy, if these are options of a connection to the real service.
function proxyFor({ host, port }) {
  const proxy = process.env.HTTPS_PROXY;
  const name = String(host).toLowerCase().replace(/\.$/, '');
  return proxy && hosts.has(name) && Number(port) === 443 ? new URL(proxy) : undefined;
}

// A header of the PROXY protocol that names the namespace: see preamble.py.
function preamble(name) {
  const head = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0\xe0\0\0', 'latin1');
  head.writeUInt16BE(3 + name.length, 14);
  head.writeUInt16BE(name.length, 17);
  return Buffer.concat([head, Buffer.from(name)]);
}
