"""``python -m mock_heidi``: the same as the command ``mock-heidi``."""

from mock_heidi.cli import main

if __name__ == "__main__":
    main()
