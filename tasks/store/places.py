"""Knows where the files of one stored run or comparison lie; no other module spells these paths.

runs/<run>/config.json result.json report.html commit.json
runs/<run>/recipes/<slot>.json      what each place of the run was made from the last time
runs/<run>/jobs/<flow run>.json     what workers did for it, and when
comparisons/<name>/record.json report.html report.md
"""

from __future__ import annotations

from dataclasses import dataclass

RUNS = "runs"  # the folder of all runs, below the store's root
COMPARISONS = "comparisons"  # the folder of all comparisons, whose cells are runs


@dataclass(frozen=True)
class RunPlaces:
    """The files of the run `name`, relative to the store's root."""

    name: str

    @property
    def config(self) -> str:
        return self._file("config.json")

    @property
    def result(self) -> str:
        return self._file("result.json")

    @property
    def report(self) -> str:
        return self._file("report.html")

    @property
    def audit(self) -> str:
        return self._file("audit.json")

    @property
    def commit(self) -> str:
        return self._file("commit.json")

    @property
    def jobs(self) -> str:
        return self._file("jobs")

    def job(self, flow_run: str) -> str:
        """Return the path of a worker's note on one flow run."""
        return f"{self.jobs}/{flow_run}.json"

    @property
    def recipes(self) -> str:
        """Return the folder of all recipes."""
        return self._file("recipes/")

    def recipe(self, slot: str) -> str:
        """Return the path of the recipe of the last artifact at a slot."""
        return f"{self.recipes}{slot}.json"

    def slot_of(self, recipe: str) -> str:
        """Return the slot whose recipe lies at that path."""
        return recipe.removeprefix(self.recipes).removesuffix(".json")

    def _file(self, name: str) -> str:
        return f"runs/{self.name}/{name}"


@dataclass(frozen=True)
class ComparisonPlaces:
    """The files of the comparison `name`, relative to the store's root."""

    name: str

    @property
    def record(self) -> str:
        return f"{COMPARISONS}/{self.name}/record.json"

    @property
    def report(self) -> str:
        return f"{COMPARISONS}/{self.name}/report.html"

    @property
    def markdown(self) -> str:
        return f"{COMPARISONS}/{self.name}/report.md"
