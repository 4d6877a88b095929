"""Logs defects of the mock itself."""

import logging

_logger = logging.getLogger("mock_heidi")


def log_defect(error: Exception) -> None:
    """Log the place where a handler failed, without its values, which may be secrets."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    _logger.error("a handler failed: %s%s", type(error).__name__, place)
