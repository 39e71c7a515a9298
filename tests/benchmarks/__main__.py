"""`make bench [NAME...]`: slow measurements, each a module with `main() -> dict`; results go to .restem/bench/NAME.json."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from pathlib import Path

import tests.benchmarks as package

OUT = Path(".restem/bench")


def names() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_")]


def main(wanted: list[str]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for name in wanted or names():
        print(f"== {name}", flush=True)
        figures = importlib.import_module(f"tests.benchmarks.{name}").main()
        (OUT / f"{name}.json").write_text(json.dumps(figures, indent=1))
        print(json.dumps(figures, indent=1), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
