"""What runs inside a container: standard library only, Python 3.11 and 3.12. The host imports `frames` alone."""
