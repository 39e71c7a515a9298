"""ReST-EM against two control arms of the same size on the demo's problems, base and budget.

`unfiltered` trains on samples drawn regardless of reward, `permuted` on samples whose rewards were shuffled; both get as many
rows as ReST-EM's data set had in its last iteration. Differences are paired over the same test problems, 95 % intervals.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.cli import DEMO_CONFIG
from flows.config import RunConfig, load_config, make_config
from tasks.domain.comparison import compare
from tasks.domain.results import RunResult
from tasks.report import compare_markdown


def main() -> dict[str, Any]:
    from flows.launch import launch

    demo = load_config(DEMO_CONFIG)
    results: dict[str, RunResult] = {"rest_em": launch(demo).result}
    rows = results["rest_em"].iterations[-1].kept_examples
    for arm, accept in (("unfiltered", "any"), ("permuted", "permuted")):
        results[arm] = launch(control(demo, arm, accept, rows)).result
    table = compare_markdown(results)
    Path(".restem/bench").mkdir(parents=True, exist_ok=True)
    Path(".restem/bench/control_arms.md").write_text(table)
    print(table)
    return {
        "rows": rows,
        **{arm: advantage(results["rest_em"], result) for arm, result in results.items() if arm != "rest_em"},
    }


def control(demo: RunConfig, arm: str, accept: str, rows: int | None) -> RunConfig:
    tree = demo.model_dump(mode="json")
    tree["run"]["name"] = f"{demo.run.name}-{arm}"
    tree["materialize"] |= {"accept": accept, "max_rows": rows}
    return make_config(tree)


def advantage(rest_em: RunResult, arm: RunResult) -> dict[str, Any]:
    """ReST-EM minus the arm at the last iteration, per metric, in points."""
    after, before = rest_em.iterations[-1].test, arm.iterations[-1].test
    assert after is not None and before is not None
    return {
        one.metric: [round(100 * value, 1) for value in (one.interval.value, one.interval.low, one.interval.high)]
        for one in compare(after, before, rest_em.iterations[-1].number)
    }
