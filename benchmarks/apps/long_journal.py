"""mock_heidi with room in its journal for so many requests, as a program starts it."""

from benchmarks.apps.serving import arguments
from benchmarks.contestants import KEY
from mock_heidi import create_app
from mock_heidi.serving.server import Server, bind

if __name__ == "__main__":
    parser = arguments()
    parser.add_argument("--entries", type=int, required=True)
    given = parser.parse_args()
    app = create_app(api_key=KEY, journal_entries=given.entries)
    Server(app, bind("127.0.0.1", given.port)).run()
