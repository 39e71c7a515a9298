"""A smoke test of the whole system on one GPU, in minutes: `make gpu`, or `python3 -m tests.gpu` where there is no make. See docs/gpu.md."""
