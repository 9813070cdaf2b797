"""The project's image as an archive file, without a registry; and `pause`, which every pod needs.

Built by the container engine that answers, else by buildah on a Python base made with debootstrap. Archives are
cached under a hash of what went into them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

from tools.cluster import binaries, buildah
from tools.cluster.base import Cluster
from tools.cluster.kind import engine
from tools.cluster.paths import CACHE, IMAGE_REFERENCE, ROOT
from tools.cluster.progress import locked, step

SOURCES = (
    "Dockerfile",
    ".dockerignore",
    "README.md",
    "pyproject.toml",
    "requirements.lock",
    "requirements-build.lock",
    "operator",
)
KEPT_ARCHIVES = 3  # about 100 MB each; switching between branches should not build again
PAUSE_REFERENCE = "localhost/pause:1"


def load(cluster: Cluster) -> None:
    """Have the image built from today's sources and hand it to the cluster's node."""
    cluster.load_image(archive())


def archive() -> Path:
    """The image's archive: IMAGE_ARCHIVE when set, else from the cache, else built now."""
    if given := os.environ.get("IMAGE_ARCHIVE"):
        return Path(given)
    target = CACHE / "images" / f"agentschedule-{content_hash()}.tar"
    with locked("image"):
        if not target.exists():
            _build(target)
    return target


def content_hash() -> str:
    """Names the content of everything that goes into the image."""
    digest = hashlib.sha256()
    for file in _source_files():
        digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _source_files() -> Iterator[Path]:
    for name in SOURCES:
        path = ROOT / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (f for f in files if f.is_file() and "__pycache__" not in f.parts and ".egg-info" not in str(f))


def _build(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    if name := engine():
        with step(f"building the image with {name}"):
            _build_with_engine(name, partial)
    else:
        buildah.build(partial)
    partial.rename(target)
    archives = sorted(target.parent.glob("*.tar"), key=lambda file: file.stat().st_mtime)
    for old in archives[:-KEPT_ARCHIVES]:
        old.unlink()


def _build_with_engine(name: str, target: Path) -> None:
    build = [name, "build", "--quiet", "--tag", IMAGE_REFERENCE, *buildah.pip_arguments(), str(ROOT)]
    for command in (build, [name, "save", "--output", str(target), IMAGE_REFERENCE]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            hint = "without a network, build it elsewhere and set IMAGE_ARCHIVE"
            raise RuntimeError(f"{' '.join(command[:2])}: {done.stderr[-3000:]}\n({hint})")


def pause_archive() -> Path:
    """The container that holds a pod's network: one static program."""
    archive = binaries.path("pause").with_suffix(".tar")
    if not archive.exists():
        with locked("pause"):
            write_static_image(binaries.path("pause"), PAUSE_REFERENCE, archive)
    return archive


def write_static_image(program: Path, reference: str, archive: Path) -> None:
    """Write a docker-format archive of an image that holds a single static program."""
    layer = _tar({program.name: program.read_bytes()}, mode=0o755)
    digest = hashlib.sha256(layer).hexdigest()
    config = {
        "architecture": "arm64" if os.uname().machine == "aarch64" else "amd64",
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [reference], "Layers": ["layer.tar"]}]
    files = {"config.json": config, "manifest.json": manifest}
    parts = {name: json.dumps(content).encode() for name, content in files.items()} | {"layer.tar": layer}
    partial = archive.with_suffix(".partial")
    partial.write_bytes(_tar(parts, mode=0o644))
    partial.rename(archive)


def _tar(files: dict[str, bytes], mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
