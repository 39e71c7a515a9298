"""Packages that programs of contests and of data sets use: one that needs what is not in the image is not a wrong program."""

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "sympy",
    "networkx",
    "sortedcontainers",
    "matplotlib",
    "sklearn",
    "numba",
    "torch",
    "more_itertools",
)
