"""A person at a command line, and the cluster of their kubeconfig."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.cli.world import Handler, Run, World, caller


@pytest.fixture(name="run")
def run_fixture(capsys: pytest.CaptureFixture[str]) -> Run:
    return caller(capsys)


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Points the CLI at a server, in the namespace analytics."""

    def write(server: str) -> None:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "analytics"}}],
        }
        use(json.dumps(config))

    def use(text: str) -> None:
        path = tmp_path / "kubeconfig"
        path.write_text(text)
        # The library reads the variable once, when it is imported.
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))

    write.use = use  # type: ignore[attr-defined]
    return write


@pytest.fixture
def world(kubeconfig: Callable[[str], None]) -> Iterator[World]:
    world = World()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("OfWorld", (Handler,), {"world": world})) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        world.url = f"http://127.0.0.1:{server.server_port}"
        kubeconfig(world.url)
        yield world
        server.shutdown()
        thread.join()
