"""A store made by commit bef5673, and what it must mean for ever: see `make`."""
