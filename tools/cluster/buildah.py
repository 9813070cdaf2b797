"""The project's Dockerfile without a container engine and without a registry: used by images.py."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.cluster import host
from tools.cluster.paths import CACHE, IMAGE_REFERENCE, ROOT
from tools.cluster.progress import step

BASE = "localhost/python-base:1"
SUITE = "bookworm"
STORE = CACHE / "buildah"  # a store of our own, not the machine's
CERTIFICATES = Path("/etc/ssl/certs")
PIP_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_CERT")


def build(target: Path) -> None:
    """Write the image's archive (OCI format) to `target`."""
    host.require(host.IMAGE_NEEDS)
    try:
        if not _run("images", "--quiet", "--filter", f"reference={BASE}").strip():
            _make_base()
        with step("building the image with buildah"):
            options = ["--layers", "--isolation", "chroot", "--network", "host", "--pull=never"]
            arguments = ["--build-arg", f"PYTHON_IMAGE={BASE}", *pip_arguments(), *_certificate_mounts()]
            _run("bud", *options, *arguments, "--tag", IMAGE_REFERENCE, str(ROOT))
            _run("push", IMAGE_REFERENCE, f"oci-archive:{target}:{IMAGE_REFERENCE}")
    finally:
        unmount()


def pip_arguments() -> list[str]:
    """This machine's pip settings for the pip inside the build."""
    given = [f"{name}={os.environ[name]}" for name in PIP_VARIABLES if name in os.environ]
    return [word for setting in given for word in ("--build-arg", setting)]


def unmount() -> None:
    """The overlay driver leaves its folder mounted on itself."""
    folder = STORE / "root" / "overlay"
    while os.path.ismount(folder):
        subprocess.run(["umount", str(folder)], check=True)


def _certificate_mounts() -> list[str]:
    """The machine's certificate authorities: a company's network may need its own."""
    mounts = {CERTIFICATES, *(Path(os.environ[name]) for name in ("PIP_CERT",) if name in os.environ)}
    outside = {path for path in mounts if path == CERTIFICATES or not path.is_relative_to(CERTIFICATES)}
    return [word for path in sorted(outside) if path.exists() for word in ("--volume", f"{path}:{path}:ro")]


def _make_base() -> None:
    """Debian with Python, in the place of the Python image that a registry would have."""
    archive = CACHE / f"python-base-{SUITE}.tar"
    if not archive.exists():
        with step(f"making a Python base image with debootstrap ({SUITE}, about 1 min)"):
            _debootstrap(archive)
    with step("importing the Python base image"):
        container = _run("from", "scratch").strip()
        _run("add", container, str(archive))
        _run("commit", "--rm", container, BASE)


def _debootstrap(archive: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        root = Path(folder) / "root"
        packages = "--include=python3,python3-venv,ca-certificates"
        _check([host.find("debootstrap") or "", "--variant=minbase", packages, SUITE, str(root)])
        for cruft in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"):
            shutil.rmtree(root / cruft, ignore_errors=True)
        partial = archive.with_suffix(".partial")
        _check(["tar", "--create", "--file", str(partial), "--directory", str(root), "--exclude=./dev/*", "."])
        partial.rename(archive)


def _run(*args: str) -> str:
    store = ["--root", str(STORE / "root"), "--runroot", str(STORE / "run"), "--storage-driver", "overlay"]
    return _check([host.find("buildah") or "buildah", *store, *args])


def _check(command: list[str]) -> str:
    path = f"{os.environ.get('PATH', '')}:{host.SYSTEM_PATH}"
    environment = {**os.environ, "PATH": path, "TMPDIR": str(CACHE)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{(done.stderr or done.stdout)[-3000:]}")
    return done.stdout
