"""An image that names no user, as many in the world do: it would run as root."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from tools.cluster import binaries, images
from tools.cluster.base import Cluster

ROOT_IMAGE = "localhost/runs-as-root:1"


def load_root_image(cluster: Cluster, folder: Path) -> None:
    """Make the image from the harness' own static one, and hand it to the node."""
    plain, rooted = folder / "plain.tar", folder / "rooted.tar"
    binaries.ensure("pause")
    images.write_static_image(binaries.path("pause"), ROOT_IMAGE, plain)
    with tarfile.open(plain) as given, tarfile.open(rooted, "w") as made:
        for member in given.getmembers():
            content = given.extractfile(member)
            assert content is not None
            data = content.read()
            if member.name == "config.json":
                config = json.loads(data)
                del config["config"]["User"]
                data = json.dumps(config).encode()
                member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    cluster.load_image(rooted)
