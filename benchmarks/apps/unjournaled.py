"""mock_heidi without its journal, to tell what the journal costs."""

from typing import Any

from benchmarks.apps.serving import arguments
from benchmarks.contestants import KEY
from mock_heidi import create_app
from mock_heidi.server import Server, bind

if __name__ == "__main__":
    app = create_app(fixtures="empty", api_key=KEY)
    crossing: Any = app.vendor.stack
    crossing.app = crossing.app.app
    Server(app, bind("127.0.0.1", arguments().parse_args().port)).run()
