"""The byte protocol: any cut of the stream gives the same frames, and a head that promises too much is refused at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.image.inside import frames


@given(
    st.lists(st.tuples(st.sampled_from([b"J", b"M", b"R"]), st.binary(max_size=40)), max_size=6),
    st.lists(st.integers(1, 30), min_size=1, max_size=40),
)
def test_frames_survive_any_cut(sent: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    stream = b"".join(frames.frame(kind, payload) for kind, payload in sent)
    reader, found, at = frames.FrameReader(), [], 0
    for cut in [*cuts, len(stream)]:
        found += list(reader.feed(stream[at : at + cut]))
        at += cut
    assert found == sent


@given(st.dictionaries(st.text(), st.integers() | st.text()), st.lists(st.binary(max_size=50)))
def test_headers_and_blobs_come_back(header: dict[str, object], blobs: list[bytes]) -> None:
    header.pop("blobs", None)
    _, payload = next(iter(frames.FrameReader().feed(frames.packed(frames.RESULT, header, *blobs))))
    assert frames.unpacked(payload) == (header, blobs)


def test_a_head_of_four_gigabytes_is_refused() -> None:
    with pytest.raises(frames.BadFrame):
        list(frames.FrameReader().feed(b"R\xff\xff\xff\xff"))
