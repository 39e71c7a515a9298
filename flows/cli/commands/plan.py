"""`restem plan CONFIG.toml`: what a run would do."""

from __future__ import annotations

import argparse
import gc

from flows.cli.arguments import comparison_of, config_arguments, config_of
from flows.cli.command import command


def show_plan(arguments: argparse.Namespace) -> int:
    """Plan a run or, where the config has a section [compare], a comparison."""
    gc.disable()  # a second of imports and look-ups makes little garbage, and the search for it is a tenth of that second
    from flows.comparison.design import is_comparison

    if is_comparison(arguments.config):
        return show_comparison_plan(arguments)
    config = config_of(arguments, arguments.config)
    from flows.cli.terminal import quieten
    from flows.cli.text import plan_text, show
    from flows.planning.plan import plan

    quieten(arguments.verbose)
    return show(arguments, made := plan(config), lambda: plan_text(made))


def show_comparison_plan(arguments: argparse.Namespace) -> int:
    comparison = comparison_of(arguments)
    from flows.cli.terminal import quieten
    from flows.cli.text import comparison_plan_text, show
    from flows.comparison.planned import plan_comparison

    quieten(arguments.verbose)
    return show(arguments, made := plan_comparison(comparison), lambda: comparison_plan_text(made))


COMMAND = command(
    "plan",
    "which stages would run or are stored, and why; how long it takes; starts nothing",
    config_arguments,
    show_plan,
    place=30,
)
