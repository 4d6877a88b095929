"""``python -m mock_heidi``, and the command ``mock-heidi``."""

import gc
import signal


def run() -> None:
    """Run the command; Ctrl-C while it is still being imported ends the process without a traceback.

    A start makes no garbage, so garbage collection is off. Commands that may run long turn it on.
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
        gc.freeze()  # else Python would search all objects once more at its end


if __name__ == "__main__":
    run()
