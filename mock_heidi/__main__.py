"""``python -m mock_heidi``, and the command ``mock-heidi``."""

import signal


def run() -> None:
    """Run the command; Ctrl-C while it is still being imported ends the process without a traceback."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from mock_heidi.cli import main  # noqa: PLC0415 - see above

    signal.signal(signal.SIGINT, handler)
    main()


if __name__ == "__main__":
    run()
