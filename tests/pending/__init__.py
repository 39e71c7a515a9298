"""Tests of the operation that have not been seen passing yet; `pytest -m heavy tests/pending` runs them, `make test-heavy` does not."""
