"""The environment: of the libraries that we start, which makes them send no telemetry and log little, and our own variables in it."""

from __future__ import annotations

import math
import os

from tasks.domain.errors import UserError

GPU_LIMIT_VARIABLE = "RESTEM_GPU_RUNS"  # runs that use this machine's device at once
HANG_VARIABLE, HANG_S = "RESTEM_SERVER_PATIENCE_S", 60.0  # without an answer; a loaded machine answers late
QUIET = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_VERBOSITY": "error",  # its logger takes this level when it is imported, later than ours is set
    "VLLM_NO_USAGE_STATS": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "restem",  # why each stage ran, in the UI's log
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "TOKENIZERS_PARALLELISM": "false",
}


def gpu_runs() -> int:
    """Return how many runs use this machine's device at once: 1 unless the environment says otherwise."""
    given = os.environ.get(GPU_LIMIT_VARIABLE) or "1"
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= 1000):
        raise UserError(f"{GPU_LIMIT_VARIABLE} is {given!r}; expected how many runs use the device at once (1, 2, ...)")
    return int(given)


def server_patience_s() -> float:
    """Return how long the server may go without an answer before it counts as hanging."""
    given = os.environ.get(HANG_VARIABLE) or str(HANG_S)
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 1 <= seconds < math.inf:
        raise UserError(f"{HANG_VARIABLE} is {given!r}; expected a number of seconds, at least 1")
    return seconds
