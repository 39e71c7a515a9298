"""`restem try CONFIG.toml`: a few problems, one iteration, minutes, before a night is spent."""

from __future__ import annotations

import argparse

from flows.cli.arguments import config_arguments, config_of
from flows.cli.command import command


def try_config(arguments: argparse.Namespace) -> int:
    """Run the trial of a config, then say what the whole run would take at the rates that were measured."""
    config = config_of(arguments, arguments.config)
    from flows.cli.launch import launch_and_show
    from flows.cli.text import plan_text
    from flows.planning.plan import plan
    from flows.planning.trial import trial_of

    code = launch_and_show(trial_of(config), arguments)
    if code == 0 and not arguments.json:
        print(f"\nthe whole run {config.run.name}:\n{plan_text(plan(config))}")
    return code


COMMAND = command(
    "try",
    "20 problems, one iteration: everything a run needs, used once; refines its plan",
    config_arguments,
    try_config,
    place=25,
)
