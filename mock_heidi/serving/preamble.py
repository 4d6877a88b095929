"""The preamble of a connection: it names the namespace of all requests on it.

A client that believes it speaks to the real service has no namespace in its URLs. Code that redirects its connections
here sends the preamble before anything else. It is a header of the PROXY protocol, version 2 (haproxy.org, doc
``proxy-protocol.txt``): the command LOCAL, with one field from the range for private use.

The hook of Python has a copy of this module; those of Node and Ruby write the same bytes.
"""

from __future__ import annotations

import struct

FIRST = 0x0D
"""The first byte of every preamble."""
_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_BEGIN = _SIGNATURE + bytes((0x20, 0))  # version 2, LOCAL; no addresses
_NAMESPACE = 0xE0
_LENGTHS = struct.Struct("!HBH")  # of all fields; the type and the length of the one field
_HEAD = len(_BEGIN) + _LENGTHS.size
_LONGEST = 64


def write(namespace: str) -> bytes:
    """The preamble that names a namespace."""
    name = namespace.encode()
    return _BEGIN + _LENGTHS.pack(3 + len(name), _NAMESPACE, len(name)) + name


def read(data: bytes) -> tuple[str | None, bytes] | None:
    """The namespace in a preamble, and the bytes after it; None if more bytes must arrive.

    The namespace is None if the data does not begin with the signature. Raises ValueError for any other content.
    """
    from mock_heidi.base.settings import is_namespace  # noqa: PLC0415 - the copy only writes

    if not data.startswith(_SIGNATURE[: len(data)]):
        return None, data
    if len(data) < _HEAD:
        return None
    whole, kind, length = _LENGTHS.unpack_from(data, len(_BEGIN))
    if not data.startswith(_BEGIN) or kind != _NAMESPACE or whole != 3 + length or length > _LONGEST:
        raise ValueError("a preamble of another form")
    if len(data) < _HEAD + length:
        return None
    name = data[_HEAD : _HEAD + length].decode("ascii")
    if not is_namespace(name):
        raise ValueError("a preamble without a namespace")
    return name, data[_HEAD + length :]
