"""Tests. Prefect's temporary server gets time to start on a busy machine: its 20 s are read when Prefect is imported."""

import os

os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "300")
