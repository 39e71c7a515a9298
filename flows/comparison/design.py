"""The design of a comparison: arms x seeds on one base, one set of problems and one budget; each cell is an ordinary run.

A TOML file states it: `[compare]`, a section `[arms.NAME]` for each arm that is more than a method, and beside them the sections
of any run, common to all arms. Over the common settings lie those of the arm's method, over these the arm's own, and over all the
budget and the seed. Artifacts are shared because they are named by their recipe: within a seed all arms that sample the base
alike use one set of samples in round 1.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, ValidationError, model_validator

from flows.config import RunConfig, config_from, config_with, read_toml
from tasks.domain.algorithms import preset
from tasks.domain.errors import UserError
from tasks.domain.settings import Settings

Tree = dict[str, Any]
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$"
Budget = Literal["samples", "tokens", "steps"]
Spends = Literal["budget", "own"]
ARM_KEYS = ("method", "spends")  # of a section [arms.NAME]; all others are sections of a run


class CompareSettings(Settings):
    """What is compared, how often, and at which budget."""

    name: str = Field("comparison", pattern=NAME, description="Its runs are called NAME-ARM-sSEED.")
    arms: tuple[Annotated[str, Field(pattern=NAME)], ...] = Field(
        ("rest_em", "unfiltered"), min_length=1, description="Methods, or names of sections [arms.NAME]."
    )
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...] = Field(
        (1, 2, 3), min_length=1, description="A seed names the draw and seeds training and selection."
    )
    reference: str = Field("", description="The arm that the others are compared with; empty: the first.")
    rounds: int | None = Field(
        None, ge=1, le=100, description="Rounds of every arm that does not state its own; None: its method's."
    )
    budget: Budget = Field(
        "samples",
        description="What an arm may spend on sampling or training: samples a train problem, completion tokens, or optimizer steps.",
    )
    amount: int | None = Field(
        None, ge=1, description="The budget of one arm and seed, over all its rounds; None: no limit."
    )
    metric: Literal["greedy", "sampled"] = Field("greedy", description="The pass@1 that is tested and plotted first.")
    seed_spread: float = Field(
        0.02,
        gt=0,
        le=1,
        description="For plan: standard deviation over seeds that is assumed until it has been measured.",
    )
    discordant: float = Field(
        0.25, gt=0, le=1, description="For plan: share of test problems on which two arms are assumed to differ."
    )

    @model_validator(mode="after")
    def nothing_twice(self) -> Self:
        for kind, names in (("arms", self.arms), ("seeds", self.seeds)):
            if len(set(names)) < len(names):
                raise ValueError(f"compare.{kind} {list(names)} names one twice; name each once")
        if self.reference and self.reference not in self.arms:
            raise ValueError(
                f"compare.reference {self.reference!r} is none of the arms {', '.join(self.arms)}; choose one of them"
            )
        return self

    @property
    def compared_with(self) -> str:
        return self.reference or self.arms[0]


@dataclass(frozen=True)
class Arm:
    """One arm: its method, the settings that it has over those of the method, and whether it spends the whole budget.

    `spends` is "budget" where the method's waves are scaled to the budget, and "own" where they stay and the budget is a bound.
    """

    name: str
    method: str
    sections: Tree
    spends: Spends = "budget"


@dataclass(frozen=True)
class Cell:
    """One arm with one seed, and the run that it is."""

    arm: Arm
    seed: int
    config: RunConfig


@dataclass(frozen=True)
class Comparison:
    """All cells in the order in which they run, seed by seed, so that every finished seed is a whole comparison.

    `tree` is the file as it was read, with overrides; `origin` is how it was named.
    """

    settings: CompareSettings
    cells: tuple[Cell, ...]
    tree: Tree
    origin: str

    @property
    def store(self) -> str:
        return self.cells[0].config.run.store

    def only(self, arms: Sequence[str]) -> tuple[Cell, ...]:
        """Return the cells of these arms, or all where none is named; UserError for an arm that is not compared."""
        if unknown := sorted(set(arms) - set(self.settings.arms)):
            raise UserError(f"{unknown[0]!r} is none of the arms {', '.join(self.settings.arms)}; name one of them")
        return tuple(cell for cell in self.cells if not arms or cell.arm.name in arms)


def is_comparison(path: str | Path) -> bool:
    """Return whether the file is the config of a comparison; False also for one that cannot be read."""
    try:
        return "compare" in tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def load_comparison(path: str | Path, overrides: Sequence[str] = (), below: Tree | None = None) -> Comparison:
    """Read the config of a comparison, laid over `below`; every mistake is one sentence (UserError)."""
    return comparison_of(config_with(below or {}, read_toml(path), overrides), str(path), Path(path).absolute().parent)


def comparison_of(tree: Tree, origin: str, here: Path) -> Comparison:
    """Make a comparison from its tree; `here` is where files that it names lie."""
    if "compare" not in tree:
        raise UserError(f"{origin} has no section [compare]; `restem run` is for the config of one run")
    try:
        settings = CompareSettings.model_validate(tree["compare"])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, ("compare", *first["loc"])))
        raise UserError(f"{origin}: {where}: {first['msg'].removeprefix('Value error, ')}") from error
    common = {name: section for name, section in tree.items() if name not in ("compare", "arms")}
    arms = _arms(settings, tree.get("arms", {}), origin)
    cells = tuple(
        Cell(arm, seed, config_from(cell_tree(common, arm, settings, seed), f"{origin}, arm {arm.name}", here))
        for seed in settings.seeds
        for arm in arms
    )
    return Comparison(settings, cells, tree, origin)


def _arms(settings: CompareSettings, sections: Any, origin: str) -> list[Arm]:
    """Return the arms in their order; UserError for a section that no arm uses."""
    if not isinstance(sections, dict) or not all(isinstance(one, dict) for one in sections.values()):
        raise UserError(
            f"{origin}: arms is {sections!r}; expected a section [arms.NAME] for each arm that has settings"
        )
    if unused := sorted(set(sections) - set(settings.arms)):
        raise UserError(f"{origin}: section [arms.{unused[0]}] is none of compare.arms; add it there or remove it")
    return [_arm(name, sections.get(name, {}), origin) for name in settings.arms]


def _arm(name: str, section: Tree, origin: str) -> Arm:
    spends = section.get("spends", "budget")
    if spends not in get_args(Spends):
        raise UserError(
            f"{origin}: arms.{name}.spends is {spends!r}; expected 'budget' (the method's waves are scaled to it) or 'own' (they "
            "stay as they are, within the budget)"
        )
    sections = {key: value for key, value in section.items() if key not in ARM_KEYS}
    return Arm(name, str(section.get("method", name)), sections, spends)


def cell_tree(common: Tree, arm: Arm, settings: CompareSettings, seed: int) -> Tree:
    """Return the config of one cell as a tree."""
    rounds = {"loop": {"iterations": settings.rounds}} if settings.rounds else {}
    tree = config_with(common, preset(arm.method), rounds, arm.sections)
    seeded = {
        "run": {"name": run_name(settings.name, arm.name, seed), "preset": arm.method},
        "loop": {"draw": f"seed-{seed}"},
        "finetune": {"seed": seed},
        "materialize": {"seed": seed},
    }
    return config_with(tree, _within(settings, tree, arm), seeded)


def run_name(comparison: str, arm: str, seed: int) -> str:
    """Return the name of the run that a cell is."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", f"{comparison}-{arm}-s{seed}")


def _within(settings: CompareSettings, tree: Tree, arm: Arm) -> Tree:
    """Return the settings that hold an arm to the budget."""
    if settings.amount is None:
        return {}
    if settings.budget != "samples":
        return {"loop": {f"most_{settings.budget}": settings.amount}}
    waves = tuple(tree.get("generate", {}).get("waves", RunConfig().generate.waves))
    visits = draws_of_a_problem(tree)
    if arm.spends == "own":
        _check_own(settings.amount, arm, sum(waves) + _hinted(tree), visits)
        return {}
    share = int(settings.amount / visits) - _hinted(tree)
    if share < 1:
        raise UserError(
            f"compare.amount gives arm {arm.name} {settings.amount} samples a problem, and it samples a problem {visits:g} times"
            f"{', with a second try each time' * _hinted(tree)}; give at least one a time, or set compare.rounds"
        )
    scaled = scaled_waves(waves, share)
    cap = tree.get("materialize", {}).get("cap", RunConfig().materialize.cap)
    return {"generate": {"waves": scaled}, "materialize": {"cap": min(cap, scaled[0])}}


def _hinted(tree: Tree) -> int:
    """Return how many samples a second try adds to those of a problem, at most."""
    return int(tree.get("loop", {}).get("hint", "none") != "none")


def _check_own(amount: int, arm: Arm, samples: int, visits: float) -> None:
    """Raise UserError where an arm that keeps its method's waves asks for more than the budget."""
    if samples * visits > amount:
        raise UserError(
            f"arm {arm.name} spends its own: {samples} samples {visits:g} times, {samples * visits:g} a train problem, and "
            f"compare.amount is {amount}; lower its generate.waves or loop.iterations, or leave arms.{arm.name}.spends out"
        )


def draws_of_a_problem(tree: Tree) -> float:
    """Return how many times an arm samples a train problem, on the average.

    A grown set serves `loop.improve` rounds, and of a mini-batch of `loop.problems` each problem is a part of the rounds; without
    `data.train.limit` nobody knows of how many problems it is one, and each round counts whole.
    """
    loop, limit = tree.get("loop", {}), tree.get("data", {}).get("train", {}).get("limit")
    grown = loop.get("iterations", RunConfig().loop.iterations) // loop.get("improve", 1)
    share = min(1.0, loop["problems"] / limit) if loop.get("problems") and limit else 1.0
    return float(max(grown, 1) * share)


def scaled_waves(waves: Sequence[int], total: int) -> tuple[int, ...]:
    """Return waves in the same proportions that add up to `total`; waves that come out empty are left out.

    The first wave is never rounded down to nothing.
    """
    whole = sum(waves)
    ends = [max(1, round(end * total / whole)) for end in accumulate(waves)]
    return tuple(stop - start for start, stop in pairwise([0, *ends]) if stop > start)
