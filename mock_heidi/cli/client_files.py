"""The files by which clients of other languages trust the certificate and find the proxy, in the user's data folder.

Each name has a hash of the content, so that servers and commands of a user can share the files.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path

from mock_heidi.base.vendor_hosts import REGIONS
from mock_heidi.serving import trusted_roots
from mock_heidi.serving.certificate_files import data_folder, write

PASSWORD = "changeit"  # noqa: S105 - that of every Java; a truststore has no secrets
_PACKAGE = Path(__file__).resolve().parent.parent
# The files in the folder of the hooks, and what they are copies of.
_HOOKS = {
    "sitecustomize.py": "cli/python_hook.py",
    "mock_heidi_vendor_proxy.py": "client/vendor_proxy.py",
    "mock_heidi_vendor_patches.py": "client/vendor_patches.py",
    "mock_heidi_vendor_hosts.py": "base/vendor_hosts.py",
    "mock_heidi_preamble.py": "serving/preamble.py",
    "mock_heidi_hook.cjs": "cli/node_hook.cjs",
    "mock_heidi_hook.rb": "cli/ruby_hook.rb",
}
# The copies lie in one folder, where no package is.
_IMPORT = re.compile(r"^( *from mock_heidi)\.\w+\.(\w+ import )", re.MULTILINE)


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


def hooks(ca: Path) -> Path:
    """A folder with the hooks of Python, Node and Ruby, which redirect connections to the hosts of the real service."""
    files = {"hosts.txt": "".join(f"{host}\n" for host in REGIONS).encode(), "ca.pem": ca.read_bytes()}
    for name, source in _HOOKS.items():
        files[name] = _IMPORT.sub(r"\1_\2", (_PACKAGE / source).read_text(encoding="utf-8")).encode()
    key = b"".join(files.values())
    for name, content in files.items():
        path = _kept("hooks", f"/{name}", key, partial(bytes, content))
    return path.parent


def _kept(name: str, end: str, key: bytes, make: Callable[[], bytes] | None = None) -> Path:
    """The file for this key, written if it does not exist. Its content is what ``make`` returns, or the key."""
    path = Path(f"{data_folder() / 'clients' / name}-{sha256(key).hexdigest()[:16]}{end}")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, key if make is None else make(), 0o644)
    return path
