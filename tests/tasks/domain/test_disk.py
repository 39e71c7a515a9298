"""Faults of a disk are told by errno, however a library passes it on."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.cli.terminal import exit_code
from tasks.domain.disk import FOUND, disk_faults_told, fault_of, fault_of_folder
from tasks.domain.errors import StageFailed, StoreUnavailable, UserError
from tests.disks import fill, small_disk


def raised(act: Callable[[], object]) -> BaseException:
    with pytest.raises(BaseException) as caught:
        act()
    return caught.value


def caused(number: int) -> None:
    try:
        raise OSError(number, os.strerror(number), "/some/file")
    except OSError as error:
        raise StoreUnavailable("did not answer") from error


def met_while_handling(number: int) -> None:
    try:
        raise OSError(number, os.strerror(number), "/some/file")
    except OSError:
        raise RuntimeError("could not save")  # noqa: B904  as some libraries do


def of_a_copied_tree(number: int) -> None:
    raise shutil.Error([("a", "b", str(OSError(number, os.strerror(number), "/some/file")))])


def of_rust(number: int) -> None:
    raise RuntimeError(f"Error while serializing: I/O error: {os.strerror(number)} (os error {number})")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG])
@pytest.mark.parametrize("way", [caused, met_while_handling, of_a_copied_tree, of_rust])
def test_the_number_is_found_however_it_is_passed_on(number: int, way: Callable[[int], None]) -> None:
    fault = fault_of(raised(lambda: way(number)))
    assert fault is not None and fault.found == FOUND[number][0]
    assert "\n" not in fault.sentence("place") and fault.remedy in fault.sentence("place")


def test_a_write_to_a_full_device_is_told() -> None:
    def write() -> None:
        with disk_faults_told("the report"):
            Path("/dev/full").write_bytes(b"1")

    assert str(raised(write)) == "no space is left for 'the report'; free some space and run again"


def test_a_file_past_the_limit_of_the_process_is_told(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from tasks.domain.disk import disk_faults_told\n"
        f"with disk_faults_told('the data'): Path({str(tmp_path / 'big')!r}).write_bytes(bytes(100_000))"
    )
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))  # noqa: E731
    ended = subprocess.run([sys.executable, "-c", code], preexec_fn=limit, capture_output=True, text=True, check=False)
    assert "UserError: a file would pass the size limit for 'the data'; raise the limit (ulimit -f)" in ended.stderr


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
        PermissionError(errno.EACCES, "of a socket"),
        ValueError("28"),
    ],
)
def test_other_failures_are_left_as_they_are(error: Exception) -> None:
    assert fault_of(error) is None

    def fail() -> None:
        with disk_faults_told("place"):
            raise error

    assert raised(fail) is error


@pytest.mark.parametrize("error", [UserError("ours"), StageFailed("ours")])
def test_our_own_sentences_are_not_told_anew(error: Exception) -> None:
    def fail() -> None:
        with disk_faults_told("place"):
            raise error from OSError(errno.ENOSPC, "full")

    assert raised(fail) is error


def test_a_folder_that_takes_a_megabyte_has_no_fault_and_keeps_nothing(tmp_path: Path) -> None:
    assert fault_of_folder(tmp_path) is None and fault_of_folder(tmp_path / "absent") is None
    assert list(tmp_path.iterdir()) == []


def test_a_failure_that_hides_its_reason_is_explained_by_the_full_disk(tmp_path: Path) -> None:
    def fail(disk: Path) -> None:
        with disk_faults_told("scratch", disk):
            raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")

    with small_disk(tmp_path / "disk") as disk:
        assert isinstance(raised(lambda: fail(disk)), RuntimeError)
        fill(disk)
        told = raised(lambda: fail(disk))
    assert isinstance(told, UserError) and str(told).startswith(f"no space is left for '{disk}'")


def test_a_command_on_a_full_device_ends_with_a_sentence() -> None:
    told: list[str] = []
    assert exit_code(lambda: Path("/dev/full").write_bytes(b"1"), told.append) == 2
    assert len(told) == 1 and "no space is left" in told[0]
