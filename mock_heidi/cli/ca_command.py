"""``mock-heidi ca``: the certificate that clients must trust for https."""

from __future__ import annotations

import click

from mock_heidi.cli.serving_options import tls_names

_HELP = """Print the certificate that a client must trust for https. It is made if there is none.

\b
Each client takes a file. Below, FILE is what mock-heidi ca --path prints:
  curl                     CURL_CA_BUNDLE=FILE
  Python, Ruby, Go         SSL_CERT_FILE=FILE
  Python with requests     REQUESTS_CA_BUNDLE=FILE
  Node                     NODE_EXTRA_CA_CERTS=FILE
  PHP                      php -d curl.cainfo=FILE -d openssl.cafile=FILE
  Java                     keytool -importcert -noprompt -alias mock-heidi -file FILE
                             -keystore heidi.p12 -storetype PKCS12 -storepass changeit
                           java -Djavax.net.ssl.trustStore=heidi.p12
                             -Djavax.net.ssl.trustStorePassword=changeit

A client that is told so trusts no other certificate; only Node adds it to those that it knows. The CA can sign for the
hosts of the service, this machine and the names of --tls-name, and its key is thrown away, so nobody can use it for
another site. It lasts a year. Servers of the same user share it: it is in ~/.local/share/mock_heidi, or in the folder
that MOCK_HEIDI_DATA names.
"""


@click.command(help=_HELP, short_help="Print the certificate that a client must trust for https.")
@tls_names
@click.option("--path", is_flag=True, help="Print the path of its file instead.")
def ca(tls_names: tuple[str, ...], *, path: bool) -> None:
    from mock_heidi.serving.certificate_files import current

    file = current(tls_names).ca
    click.echo(file if path else file.read_text(encoding="ascii"), nl=path)
