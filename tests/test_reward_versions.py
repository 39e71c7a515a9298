"""A reward whose code changed must say whether its verdicts can change."""

from __future__ import annotations

from tests.reward_versions import RECORD, fingerprints
from tests.stage_versions import recorded


def test_code_and_version_of_every_reward_are_the_recorded_ones() -> None:
    assert fingerprints() == recorded(RECORD), (
        "raise the reward's version and run `python -m tests.reward_versions --write`, or `--same-results` if no verdict can differ"
    )
