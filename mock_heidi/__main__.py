"""``python -m mock_heidi``, and the command ``mock-heidi``."""

import gc
import signal


def run() -> None:
    """Run the command; Ctrl-C while it is still being imported ends the process without a traceback.

    A start makes no garbage, so garbage collection is off; a command that may run long turns it on.
    """
    gc.disable()
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from mock_heidi.cli.main import main  # noqa: PLC0415 - see above

    signal.signal(signal.SIGINT, handler)
    try:
        main()
    finally:
        gc.freeze()  # the end of Python would look through all objects once more


if __name__ == "__main__":
    run()
