"""The byte protocol between a host and the supervisor of one container; both sides import this module.

A frame is one byte of kind, four bytes of length (big endian), and that many bytes. A frame of kind JOB or RESULT
holds a JSON header and then blobs, whose lengths the header's `blobs` gives.

    host -> supervisor   JOB run this after what is queued   MESSAGE to the running child   FINISH its channel ends
                         BATCH messages to the child, each when the one before is answered
                         KILL the running child              PING I am alive                QUIT end the container
    supervisor -> host   HELLO what I found   STARTED job id   MESSAGE from the child   RESULT of a job   BYE replace me
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

JOB, MESSAGE, BATCH, FINISH, KILL, PING, QUIT = b"J", b"M", b"A", b"F", b"K", b"P", b"Q"
HELLO, STARTED, RESULT, BYE = b"H", b"S", b"R", b"B"

HEAD = struct.Struct(">cI")
FRAME_CAP = 1 << 28  # bytes; larger frames are a broken peer
MESSAGE_CAP = 1 << 24  # bytes of one message of a child: it is hostile


class BadFrame(Exception):
    """The peer does not speak this protocol."""


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """One frame as bytes."""
    return HEAD.pack(kind, len(payload)) + payload


def packed(kind: bytes, header: dict[str, Any], *blobs: bytes) -> bytes:
    """A frame with a JSON header and blobs."""
    text = json.dumps({**header, "blobs": [len(blob) for blob in blobs]}).encode()
    return frame(kind, b"".join((len(text).to_bytes(4, "big"), text, *blobs)))


def unpacked(payload: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The header and the blobs of such a frame."""
    end = 4 + int.from_bytes(payload[:4], "big")
    header: dict[str, Any] = json.loads(payload[4:end])
    blobs = []
    for length in header.pop("blobs"):
        blobs.append(payload[end : end + length])
        end += length
    return header, blobs


class FrameReader:
    """Cuts a byte stream into frames. BadFrame as soon as a head promises more than `cap` bytes: nothing is kept for it."""

    def __init__(self, cap: int = FRAME_CAP) -> None:
        self._cap = cap
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Frames that are complete with `data`."""
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= HEAD.size:
            kind, length = HEAD.unpack_from(self._buffer, start)
            if length > self._cap:
                raise BadFrame(f"a frame of {length} bytes, the cap is {self._cap}")
            if len(self._buffer) - start - HEAD.size < length:
                break
            start += HEAD.size
            yield kind, bytes(self._buffer[start : start + length])
            start += length
        del self._buffer[:start]
