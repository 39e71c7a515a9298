"""One machine for all operation tests: `restem up` with a webhook that listens, and one finished run on it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from flows.config import RunConfig, config_with, make_config
from tests.machine import Ended, Machine, machine_up
from tests.rig import record, small_config, tiny_base
from tests.s3 import S3, s3_server

NOTIFY_SECRET, S3_SECRET = "T0KEN-in-the-webhook-address", "planted-s3-secret-4242"


@dataclass
class Webhook:
    """Listens on loopback and keeps what is sent."""

    said: list[str] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Webhook:
        said = self.said

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/{NOTIFY_SECRET}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()


@dataclass(frozen=True)
class Operated:
    """The machine, its webhook, a config whose samples are recorded, and a finished run of it named `small`."""

    machine: Machine
    webhook: Webhook
    s3: S3
    config: RunConfig
    folder: Path
    small: Ended

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def form(self, name: str, **sections: dict[str, Any]) -> dict[str, Any]:
        """What the form sends for a run of that name, in a store of its own."""
        place = {"run": {"name": name, "store": str(self.folder / f"store-{name}")}}
        tree = config_with(self.config.model_dump(mode="json"), place, sections)
        return {"config": tree}

    def config_of(self, name: str) -> RunConfig:
        return make_config(self.form(name)["config"])


@pytest.fixture(scope="session")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    folder = tmp_path_factory.mktemp("operated")
    config = small_config(folder, tiny_base(folder / "base"), finetune={"epochs": 1})
    record(config)
    (folder / "s3").mkdir()
    with Webhook() as webhook, s3_server(folder / "s3") as s3:
        named = {**s3.environment, "AWS_SECRET_ACCESS_KEY": S3_SECRET, "RESTEM_NOTIFY_URL": webhook.url}
        with machine_up(folder / "up", RESTEM_GPU_RUNS="2", **named) as machine:
            small = machine.do("self-train/self-train", {"config": config.model_dump(mode="json")})
            yield Operated(machine, webhook, s3, config, folder, small)


def once(operated: Operated, name: str) -> dict[str, str]:
    """A planned failure happens once; the next attempt of the same flow run goes on."""
    return {"RESTEM_FAILPOINTS_ONCE": str(operated.folder / f"failed-{name}")}
