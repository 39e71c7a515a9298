"""ReST-EM against two control arms of the same size on the demo's problems, base and budget.

`unfiltered` trains on samples drawn regardless of reward, `permuted` on samples whose rewards were shuffled. Every arm trains on
the same number of rows in every iteration (`ROWS`, thinned by hash), with the demo's setting of deduplication and with the
other one, because removing equal solutions changes what an unfiltered set teaches. Differences are paired over the same test
problems, 95 % intervals.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.cli.commands.demo import DEMO_CONFIGS
from flows.config import RunConfig, load_config, make_config
from tasks.domain.comparison import compare
from tasks.domain.run_result import RunResult
from tasks.report import compare_markdown

ROWS = {"none": 900, "text": 400}  # what the poorest arm can fill, by the way equal solutions are treated
ARMS = {"rest_em": "correct", "unfiltered": "any", "permuted": "permuted"}


def main() -> dict[str, Any]:
    demo = load_config(DEMO_CONFIGS["arithmetic"])
    figures = {dedupe: against_controls(demo, dedupe, rows) for dedupe, rows in ROWS.items()}
    return {f"dedupe {dedupe}": found for dedupe, found in figures.items()}


def against_controls(demo: RunConfig, dedupe: str, rows: int) -> dict[str, Any]:
    from flows.cli.launch import launch

    results = {arm: launch(arm_config(demo, arm, dedupe, rows)).result for arm in ARMS}
    table = compare_markdown(results)
    Path(".restem/bench").mkdir(parents=True, exist_ok=True)
    Path(f".restem/bench/control_arms-{dedupe}.md").write_text(table)
    print(table)
    return {
        "rows": {arm: [one.kept_examples for one in result.iterations] for arm, result in results.items()},
        **{arm: advantage(results["rest_em"], results[arm]) for arm in ("unfiltered", "permuted")},
    }


def arm_config(demo: RunConfig, arm: str, dedupe: str, rows: int) -> RunConfig:
    tree = demo.model_dump(mode="json")
    tree["run"]["name"] = f"{demo.run.name}-{arm}-{dedupe}"
    tree["materialize"] |= {"accept": ARMS[arm], "dedupe": dedupe, "max_rows": rows}
    return make_config(tree)


def advantage(rest_em: RunResult, arm: RunResult) -> dict[str, Any]:
    """ReST-EM minus the arm at the last iteration, per metric, in points."""
    ours, theirs = rest_em.iterations[-1].test, arm.iterations[-1].test
    assert ours is not None and theirs is not None
    return {
        one.metric: [round(100 * value, 1) for value in (one.interval.value, one.interval.low, one.interval.high)]
        for one in compare(ours, theirs, rest_em.iterations[-1].number)
    }
