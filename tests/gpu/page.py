"""The page of a smoke test: one file without scripts or network, in the style of a run's report, written anew after each part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tasks.report.comparison import RUN_PAGE
from tasks.report.html import safe
from tasks.report.section import as_html, section
from tasks.report.svg import COLOURS, as_svg
from tests.gpu.results import Results

NOTHING = "–"
COLOUR = {"done": "completed", "failed": "failed", "timed out": "failed", "not run": "stopped"}
SPEED_READING = (
    "Completion tokens a second. Raw: bare requests to the same server. Stage: our generate stage, with its client, its Parquet parts and "
    "its manifest. Rounds alternate; the share is of their sums."
)
SFT_READING = (
    "Tokens of rows a second over optimizer steps, the first three left out. TFLOP/s count what must be computed: 6 a weight and position, the "
    "head at targets only, half the row for attention. mfu is that over the datasheet's dense bfloat16 rate, of matmul over the rate of a large "
    "matrix product measured here. Positions a token: below 1 where shared prefixes are computed once."
)
MEMORY_READING = "What restem plan predicts beside what was measured; off is the prediction's share of error against the larger measured figure."


def page(results: Results) -> str:
    """Return the whole page."""
    machine = results.machine
    title = f"Smoke test on {machine['card']}"
    head = RUN_PAGE.read_text("utf-8").partition("</head>")[0].replace("$title", safe(title))
    warnings = "".join(f'<p class="failed"><b>{safe(one)}</b></p>' for one in results.warnings)
    return (
        f"{head}</head>\n<body><main>\n<h1>{safe(title)}</h1>\n"
        f'<p class="muted">{safe(_machine_line(machine))}</p>{warnings}\n{_outcomes(results)}\n{"".join(_sections(results))}\n'
        f"<h2>Everything that was measured</h2>{''.join(_all_figures(results))}\n"
        f"<details><summary>Sizes</summary><pre>{safe(_lines(results.settings))}</pre></details>\n</main></body>\n</html>\n"
    )


def _machine_line(machine: Mapping[str, Any]) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    return (
        f"commit {machine['commit']}, driver {machine['driver']}, {machine['card_gib']} GiB, {machine['cores']} cores, Python "
        f"{machine['python']}, {libraries}"
    )


def _outcomes(results: Results) -> str:
    rows = "".join(
        f"<tr><td>{safe(one.part)}</td><td><span class='{COLOUR[one.state]}'>{safe(one.state)}</span></td><td>{one.seconds:.0f}</td>"
        f"<td style='white-space:normal;text-align:left'>{safe(one.reason)}</td></tr>"
        for one in results.parts.values()
    )
    return f"<h2>Parts</h2><table><tr><th>part</th><th>outcome</th><th>seconds</th><th>reason</th></tr>{rows}</table>"


def _sections(results: Results) -> Iterator[str]:
    found = {name: part.figures for name, part in results.parts.items() if part.figures}
    if "reload" in found or "sleep" in found:
        yield as_html(
            section(
                "Changing weights",
                *_changes(found),
                "Each row was proved against a forward pass of the checkpoint, in nats.",
            )
        )
    if "speed" in found:
        levels = {int(name): one for name, one in found["speed"].items() if name.isdigit()}
        rows = [
            [level, _mean(one["raw_tokens_per_s"]), _mean(one["stage_tokens_per_s"]), one["share"]]
            for level, one in levels.items()
        ]
        yield as_html(
            section("Sampling", ("in flight", "raw tokens/s", "stage tokens/s", "share"), rows, SPEED_READING)
        )
        yield f'<div class="figures"><figure>{_speed_chart(levels)}</figure></div>'
    for name, title, reading in (("sft", "Fine-tuning", SFT_READING), ("memory", "Peak memory", MEMORY_READING)):
        if name in found:
            yield _records(title, found[name], reading)
    if "equal" in found:
        rows = [[numbers, way, f"{one['loss_apart']:.1e}", f"{one['gradient_apart']:.1e}"]
                for numbers in ("float32", "bfloat16") for way, one in found["equal"].get(numbers, {}).items()]  # fmt: skip
        yield as_html(
            section(
                "Equal to plain rows",
                ("numbers", "batch", "loss apart", "gradient apart"),
                rows,
                "Relative, one batch.",
            )
        )
    for name in ("iteration", "full"):
        for title, run in _runs(name, found.get(name, {})):
            yield _records(
                title,
                run.get("policies", {}),
                f"{run.get('config', '')}, {run.get('command_s', NOTHING)} s for the command",
            )


def _changes(found: Mapping[str, Mapping[str, Any]]) -> tuple[tuple[str, ...], list[list[Any]]]:
    head = ("change", "sleep s", "wake s", "reload s", "proof s", "rms", "largest", "MiB asleep", "MiB awake")
    keys = ("sleep_s", "wake_s", "reload_s", "proof_s", "rms_nats", "largest_nats", "used_asleep_mib", "used_awake_mib")
    records = {
        **found.get("reload", {}),
        **{f"sleep {k}": v for k, v in found.get("sleep", {}).items() if isinstance(v, Mapping)},
    }
    return head, [[name, *(one.get(key, NOTHING) for key in keys)] for name, one in records.items()]


def _runs(name: str, figures: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if name == "iteration" and figures:
        yield "One iteration", figures
    for seed, run in figures.items() if name == "full" else ():
        yield f"Full run, {seed}", run


def _records(title: str, figures: Mapping[str, Any], reading: str) -> str:
    """Return a table with a row for each record among the figures, and a column for each of their names."""
    records = {name: one for name, one in figures.items() if isinstance(one, Mapping)}
    columns = list(dict.fromkeys(key for one in records.values() for key in one))
    rows = [[name, *(_cell(one.get(key)) for key in columns)] for name, one in records.items()]
    return as_html(section(title, ("", *(key.replace("_", " ") for key in columns)), rows, reading))


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    return NOTHING if value is None else str(value)


def _speed_chart(levels: Mapping[int, Mapping[str, Any]]) -> str:
    def draw(axes: Any) -> None:
        for name, colour in (("raw", COLOURS[1]), ("stage", COLOURS[0])):
            axes.plot(
                list(levels),
                [_mean(one[f"{name}_tokens_per_s"]) for one in levels.values()],
                "o-",
                color=colour,
                label=name,
            )
        axes.set_xscale("log", base=2)
        axes.set_xticks(list(levels), [str(level) for level in levels])
        axes.set_ylim(bottom=0)
        axes.set_xlabel("completions in flight")
        axes.set_title("completion tokens a second")
        axes.legend()

    return as_svg(draw, (5.2, 3.0), "speed")


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 1)


def _all_figures(results: Results) -> Iterator[str]:
    for one in results.parts.values():
        yield f"<details><summary>{safe(one.part)}</summary><pre>{safe(_lines(one.figures))}</pre></details>"


def _lines(figures: Mapping[str, Any], indent: str = "") -> str:
    parts = []
    for name, value in figures.items():
        inner = isinstance(value, Mapping)
        parts.append(f"{indent}{name}:" + (f"\n{_lines(value, indent + '  ')}" if inner else f" {value}"))
    return "\n".join(parts)
