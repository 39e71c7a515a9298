"""Writes a run for TensorBoard: scalars by iteration, the pictures as images, the samples as text.

Its own writer is used, not torch's: the process of a run imports no torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.domain.trackers import tensorboard_folder
from tasks.report.svg import as_png
from tasks.report.tracked import Tracked

WRITTEN = "iterations"  # the folder of what is written here; trainings have folders of their own beside it


def write(tracked: Tracked, folder: Path) -> None:
    """Write the run's events anew, in the place of what was written of it before."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    target = Path(tensorboard_folder(folder, WRITTEN))
    for old in target.glob(f"events.out.tfevents.*.{WRITTEN}"):
        old.unlink()
    writer = EventFileWriter(str(target), filename_suffix=f".{WRITTEN}")
    try:
        for number, values in _values(tracked):
            writer.add_event(Event(wall_time=tracked.ended[number], step=number, summary=values))
    finally:
        writer.close()


def _values(tracked: Tracked) -> list[tuple[int, Any]]:
    """Return (iteration, its summary); pictures, which show all iterations, belong to the last one."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.text.summary_v2 import text_pb

    made = [
        (number, Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in figures.items()]))
        for number, figures in tracked.metrics.items()
    ]
    made += [(number, text_pb("samples", text)) for number, text in tracked.samples.items()]
    pictures = {name: png for name, svg in tracked.pictures.items() if (png := as_png(svg)) is not None}
    images = [
        Summary.Value(
            tag=f"plots/{name}",
            image=Summary.Image(width=png.width, height=png.height, colorspace=4, encoded_image_string=png.data),
        )
        for name, png in pictures.items()
    ]
    return [*made, *([(max(tracked.metrics), Summary(value=images))] if images else [])]
