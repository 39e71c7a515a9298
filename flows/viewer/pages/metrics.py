"""`/metrics`: figures of the store and of the Prefect server, in the text format of Prometheus.

What is counted lies in the store, so the figures survive restarts, and every run of the store is in them wherever it ran.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from flows.loop.series import Series
from flows.stored.nights import Night
from flows.viewer.pages.nights import names
from flows.viewer.server_state import ServerState, server_state
from flows.viewer.viewer import Viewer
from tasks.domain.run_result import RunResult

GOOD = ("promoted", "held", "budget")  # how a night ends that did its work


def metrics_page(viewer: Viewer, request: Request) -> Response:
    """Return the figures as they are now."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(viewer))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class Figures(Collector):
    """Collects every figure when it is asked."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics. Without a server those of the server are left out, and `restem_server_up` is 0."""
        yield from of_runs([result for _, _, result in self.viewer.runs() if result is not None])
        nights = {name: Series(self.viewer.store, name).all() for name in names(self.viewer)}
        yield from of_nights(nights, time.time())
        yield from of_server(server_state())


def of_runs(results: list[RunResult]) -> Iterator[Metric]:
    """Yield what each run has drawn, accepted and cost, by the iterations that it has finished."""
    tokens = CounterMetricFamily(
        "restem_completion_tokens", "Completion tokens of the finished iterations.", labels=["run", "part"]
    )
    samples = CounterMetricFamily("restem_samples", "Graded samples of the E-steps.", labels=["run", "label"])
    accepted = CounterMetricFamily("restem_accepted_examples", "Solutions that became training rows.", labels=["run"])
    spent = CounterMetricFamily(
        "restem_phase_seconds", "What the run cost: seconds of each phase when it really ran.", labels=["run", "phase"]
    )
    done = GaugeMetricFamily(
        "restem_finished_iterations", "Iterations that the run has finished.", labels=["run", "status"]
    )
    scores = GaugeMetricFamily(
        "restem_test_pass_at_1", "pass@1 of the last policy on the test problems.", labels=["run", "decoding"]
    )
    for result in results:
        tokens.add_metric([result.name, "train"], sum(row.train.completion_tokens for row in result.rows))
        tokens.add_metric(
            [result.name, "test"], sum(row.test.tally.completion_tokens for row in result.rows if row.test)
        )
        for label, count in sorted(sum((Counter(row.train.labels) for row in result.rows), Counter[str]()).items()):
            samples.add_metric([result.name, label], count)
        accepted.add_metric([result.name], sum(row.kept_examples or 0 for row in result.rows))
        for phase, seconds in _phases(result).items():
            spent.add_metric([result.name, phase], seconds)
        done.add_metric([result.name, result.status], len(result.iterations))
        for decoding, score in _scores(result).items():
            scores.add_metric([result.name, decoding], score)
    yield from (tokens, samples, accepted, spent, done, scores)


def _phases(result: RunResult) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in result.rows:
        for phase, seconds in row.seconds.items():
            found[phase] = found.get(phase, 0.0) + seconds
    return found


def _scores(result: RunResult) -> dict[str, float]:
    test = result.rows[-1].test
    found = {} if test is None else {"greedy": test.greedy, "sampled": test.sampled}
    return {decoding: one.value for decoding, one in found.items() if one is not None}


def of_nights(nights: dict[str, list[Night]], now: float) -> Iterator[Metric]:
    """Yield how the nights of each series ended, and how long ago the last good one was."""
    ended = GaugeMetricFamily("restem_nights", "Nights of the series, by how they ended.", labels=["series", "status"])
    moment = GaugeMetricFamily(
        "restem_last_good_night_timestamp_seconds", "When the last night that did its work ended.", labels=["series"]
    )
    age = GaugeMetricFamily("restem_last_good_night_age_seconds", "Time since then.", labels=["series"])
    tokens = GaugeMetricFamily(
        "restem_last_night_tokens", "Completion tokens that the last night drew.", labels=["series"]
    )
    for series, ones in nights.items():
        for status, count in sorted(Counter(one.status for one in ones).items()):
            ended.add_metric([series, status], count)
        good = [one.ended for one in ones if one.status in GOOD and one.ended is not None]
        if good:
            moment.add_metric([series], max(good))
            age.add_metric([series], max(0.0, now - max(good)))
        if ones:
            tokens.add_metric([series], ones[-1].tokens)
    yield from (ended, moment, age, tokens)


def of_server(state: ServerState | None) -> Iterator[Metric]:
    """Yield what waits, what works and how fast it samples."""
    yield GaugeMetricFamily("restem_server_up", "1 when the Prefect server answers.", value=0 if state is None else 1)
    if state is None:
        return
    runs = GaugeMetricFamily("restem_flow_runs", "Flow runs that have not ended, by state.", labels=["state"])
    for name, count in state.flow_runs.items():
        runs.add_metric([name], count)
    yield runs
    queue = state.late + state.flow_runs.get("pending", 0)
    yield GaugeMetricFamily("restem_queue", "Flow runs whose time has come and that have not begun.", value=queue)
    taken = GaugeMetricFamily("restem_device_busy", "Runs that hold the device.", labels=["host"])
    slots = GaugeMetricFamily("restem_device_slots", "Runs that may hold the device at once.", labels=["host"])
    for host, device in state.devices.items():
        taken.add_metric([host], device.taken)
        slots.add_metric([host], device.slots)
    yield from (taken, slots)
    yield GaugeMetricFamily(
        "restem_tokens_per_second", "Completion tokens a second of what samples now.", value=state.tokens_s
    )
