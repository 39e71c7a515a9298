"""Makes what a run shows in the Prefect interface beside its flow run: table, plots and samples, each at most 100 KB."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.domain.run_result import IterationResult, RunResult, ShownSample
from tasks.domain.schema import LABELS
from tasks.domain.visible import visible
from tasks.report.analyses import run_analyses
from tasks.report.colours import light_colours
from tasks.report.figures import drawn
from tasks.report.keys import artifact_key
from tasks.report.section import as_markdown as section_markdown
from tasks.report.tables import as_markdown, policy_name
from tasks.report.text import code, plain, within_limit, without_password

MOST_TEXT = 1_500  # characters of one completion in the sample browser
SHOWN_A_LABEL = 4


@dataclass(frozen=True)
class Shown:
    """This record is one artifact: its key, its text and a description."""

    key: str
    markdown: str
    description: str


def artifacts_of(result: RunResult, address: str = "", page: str = "") -> Iterator[Shown]:
    """Return report, plots and samples, without those for which the run has no data yet. `page` is the run's page in a viewer."""
    whole = f"; the whole page: {without_password(address)}" if address else ""
    look = f"[Samples, problems and comparisons]({page})\n\n" if page else ""
    table = "\n\n".join([look + as_markdown(result), *map(section_markdown, run_analyses(result))])
    yield Shown(artifact_key("report", result.name), within_limit(table), f"Report of {result.name}{whole}")
    for one in drawn(result):
        name, caption = one.figure.name, one.figure.shown
        text = f"![{name}]({as_data(one.svg)})\n\n{caption}\n"
        if caption and len(text.encode()) <= 100_000:
            yield Shown(artifact_key(name, result.name), text, f"{caption.split(';')[0]} ({result.name})")
    if samples := samples_markdown(result):
        yield Shown(
            artifact_key("samples", result.name), samples, f"Some samples of {result.name} with the verifier's evidence"
        )


def on_white(svg: str) -> str:
    """Return the picture in the page's light colours on white, because what embeds it may be dark."""
    coloured = re.sub(r"var\((--\w+)\)", lambda found: light_colours()[found.group(1)], svg)
    return coloured.replace('role="img" style="', 'style="background: #ffffff; ', 1)


def as_data(svg: str) -> str:
    """Return the picture as an address that needs no server."""
    whole = on_white(svg)
    return "data:image/svg+xml;base64," + base64.b64encode(whole.encode()).decode()


def samples_markdown(result: RunResult) -> str:
    """Return correct, wrong, unparseable and timed-out samples of the last policies, fenced, because their text is hostile."""
    rows = [row for row in result.rows if row.test and row.test.shown]
    return within_limit(
        "\n\n".join(samples_of_row(row) for row in (rows[:-3:-1] + rows[:1] if len(rows) > 2 else rows[::-1]))
    )


def samples_of_row(row: IterationResult) -> str:
    """Return the shown samples of one policy as markdown."""
    assert row.test is not None
    groups = [(label, [one for one in row.test.shown if one.label == label]) for label in LABELS]
    blocks = [
        f"### {label.replace('_', ' ')}\n\n" + "\n\n".join(map(_sample, shown[:SHOWN_A_LABEL]))
        for label, shown in groups
        if shown
    ]
    return "\n\n".join([f"## {policy_name(row)}", *blocks])


def _sample(shown: ShownSample) -> str:
    head = f"**{plain(shown.problem_id)} / {shown.index}**, {shown.decoding}, ended by {plain(shown.finish_reason)}, expected {code(shown.gold)}"
    parts = {"question": shown.question, "completion": shown.text, "evidence": shown.evidence}
    return head + "\n\n" + "\n".join(f"{name}:\n\n{fenced(text)}\n" for name, text in parts.items())


def fenced(text: str) -> str:
    """Return a code block that its content cannot end."""
    cut = text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + " [cut]"
    longest = max((len(ticks) for ticks in re.findall(r"`+", cut)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{visible(without_password(cut))}\n{fence}"
