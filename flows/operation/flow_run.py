"""What the flows that people start have in common: the thread pool of their task runs."""

from __future__ import annotations

from typing import Any

from prefect.task_runners import ThreadPoolTaskRunner

THREADS = 16  # task runs side by side; how many ranges work at once is generate.ranges_in_flight
RUNNER: Any = ThreadPoolTaskRunner(max_workers=THREADS)
