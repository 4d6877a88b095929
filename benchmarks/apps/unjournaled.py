"""mock_heidi without its journal, to tell what keeping a request costs."""

from benchmarks.apps.serving import arguments
from benchmarks.contestants import KEY
from mock_heidi import create_app
from mock_heidi.observing.journal import Journal
from mock_heidi.serving.server import Server, bind

if __name__ == "__main__":
    app = create_app(fixtures="empty", api_key=KEY)
    for kept in ("add", "close"):
        setattr(Journal, kept, lambda *_: None)
    Server(app, bind("127.0.0.1", arguments().parse_args().port)).run()
