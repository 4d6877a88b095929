"""Runs a module as ``python -m`` does, with a time limit.

``python tests/support/limited.py SECONDS MODULE [ARGUMENT…]``.
After that time the process ends with status 124, whatever it does.
"""

import os
import runpy
import sys
import threading


def _end(seconds: str, module: str) -> None:
    os.write(2, f"\n{module} was not done after {seconds} seconds\n".encode())
    os._exit(124)


if __name__ == "__main__":
    limit, name, *_ = sys.argv[1:]
    timer = threading.Timer(float(limit), _end, (limit, name))
    timer.daemon = True
    timer.start()
    sys.argv = sys.argv[2:]
    runpy.run_module(name, run_name="__main__", alter_sys=True)
