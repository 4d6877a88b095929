"""The files by which clients of other languages trust the certificate and find the proxy, in the user's data folder.

Each name has a hash of the content, so that servers and commands of a user can share the files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from mock_heidi.base.vendor_hosts import REGIONS
from mock_heidi.serving import trusted_roots
from mock_heidi.serving.certificate_files import data_folder, write

PASSWORD = "changeit"  # noqa: S105 - that of every Java; a truststore has no secrets
# fetch, https and the clients that are made of them all connect by this method. The port of the mock speaks TLS itself,
# so no proxy is needed; TLS has taken the name of the server before.
_NODE_HOOK = """// Made by mock-heidi: connections to the hosts of the real service go to the mock instead.
const net = require('node:net');
const hosts = new Set(VENDOR_HOSTS);
const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...args) {
  const proxy = process.env.HTTPS_PROXY;
  const given = Array.isArray(args[0]) ? args[0] : args;
  const named = typeof given[0] === 'object' ? given[0] : { port: given[0], host: given[1] };
  if (!proxy || !hosts.has(String(named.host).toLowerCase()) || Number(named.port) !== 443) {
    return connect.apply(this, args);
  }
  const { hostname, port } = new URL(proxy);
  const callback = given.findLast((one) => typeof one === 'function');
  const there = { ...named, host: hostname.replace(/^\\[|\\]$/g, ''), port: Number(port), lookup: undefined };
  return callback ? connect.call(this, there, callback) : connect.call(this, there);
};
"""
# Net::HTTP takes the proxy of http for https too, so that a variable would also redirect the requests to other hosts.
_RUBY_HOOK = """# Made by mock-heidi: connections to the hosts of the real service go to the mock instead.
require 'socket'
require 'uri'

module MockHeidiHook
  HOSTS = VENDOR_HOSTS.freeze

  def self.place(host, port)
    proxy = ENV['HTTPS_PROXY']
    return [host, port] unless proxy && HOSTS.include?(host.to_s.downcase) && port.to_s == '443'

    there = URI(proxy)
    [there.hostname, there.port]
  end

  # Of Socket
  module Tcp
    def tcp(host, port, *rest, **options, &block)
      super(*MockHeidiHook.place(host, port), *rest, **options, &block)
    end
  end

  # Of TCPSocket
  module Initialize
    def initialize(host, port = nil, *rest, **options)
      super(*MockHeidiHook.place(host, port), *rest, **options)
    end
  end
end

Socket.singleton_class.prepend(MockHeidiHook::Tcp)
TCPSocket.prepend(MockHeidiHook::Initialize)
"""


def bundle(ca: Path, own: str | None, *, system: bool = True) -> Path:
    """A file with the certificates in ``own`` (a file or a folder), else with the system's, and that of the mock.

    Without ``system``, those of the system are left out: the client adds the file to them.
    """
    ours, roots = ca.read_bytes(), trusted_roots.read(Path(own)) if own else b""
    if not roots and system:
        roots = trusted_roots.of_system()
    return _kept("roots", ".pem", roots if ours in roots else roots + ours)


def truststore(roots: Path) -> Path:
    """The certificates of a bundle as a PKCS 12 file for Java, with :data:`PASSWORD`."""
    from mock_heidi.serving.certificates import java_truststore

    pem = roots.read_bytes()
    return _kept("java", ".p12", pem, lambda: java_truststore(pem, PASSWORD))


def php_folder(roots: Path) -> Path:
    """A folder with a configuration of PHP that names a bundle."""
    text = f'curl.cainfo="{roots}"\nopenssl.cafile="{roots}"\n'
    return _kept("php", "/mock-heidi.ini", text.encode()).parent


def node_hook() -> Path:
    """A module for Node that redirects connections to the hosts of the real service."""
    return _kept("node", ".cjs", _NODE_HOOK.replace("VENDOR_HOSTS", json.dumps(list(REGIONS))).encode())


def ruby_hook() -> Path:
    """A file for Ruby that does the same."""
    return _kept("ruby", ".rb", _RUBY_HOOK.replace("VENDOR_HOSTS", json.dumps(list(REGIONS))).encode())


def _kept(name: str, end: str, key: bytes, make: Callable[[], bytes] | None = None) -> Path:
    """The file for this key, written if it does not exist. Its content is what ``make`` returns, or the key."""
    path = Path(f"{data_folder() / 'clients' / name}-{sha256(key).hexdigest()[:16]}{end}")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, key if make is None else make(), 0o644)
    return path
