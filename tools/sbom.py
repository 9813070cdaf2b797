"""What is in the image, for scanners: a CycloneDX file in ``dist/``, made by ``make image``.

Its components are those of ``requirements.lock``, which the image is built from and from nothing else, and its base.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VERSION = "1.6"  # of CycloneDX
_BASE = re.compile(
    r"^ARG PYTHON_IMAGE=(?P<name>[\w./-]+):(?P<tag>[\w.-]+)@(?P<digest>sha256:[0-9a-f]{64})$", re.MULTILINE
)

Body = dict[str, Any]


def write(root: Path = ROOT) -> Path:
    """Make ``dist/agentschedule-VERSION.cdx.json``, the same bytes for the same sources; returns its path."""
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    target = root / "dist" / f"agentschedule-{version}.cdx.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(document(root), indent=2, sort_keys=True) + "\n")
    return target


def document(root: Path = ROOT) -> Body:
    """The bill of materials."""
    made = _of_lock(root)
    for component in made["components"]:
        del component["description"]  # the lock's line, with all its hashes
    made["components"].append(base(root))
    main = made["metadata"]["component"]["bom-ref"]
    parts = sorted(component["bom-ref"] for component in made["components"])
    made["dependencies"] = [{"ref": main, "dependsOn": parts}, *({"ref": part} for part in parts)]
    return made


def base(root: Path = ROOT) -> Body:
    """The image that the Dockerfile begins with. Raises RuntimeError if that is not one by digest."""
    found = _BASE.search((root / "Dockerfile").read_text())
    if not found:
        raise RuntimeError("the Dockerfile's PYTHON_IMAGE is not NAME:TAG@sha256:DIGEST")
    name, tag, digest = found["name"], found["tag"], found["digest"]
    short = name.rpartition("/")[2]
    return {
        "bom-ref": "base-image",
        "type": "container",
        "name": name,
        "version": f"{tag}@{digest}",
        "hashes": [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}],
        "purl": f"pkg:oci/{short}@{digest.replace(':', '%3A')}?repository_url={name}&tag={tag}",
    }


def _of_lock(root: Path) -> Body:
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", str(root / "requirements.lock")]
    command += ["--pyproject", str(root / "pyproject.toml"), "--mc-type", "application"]
    command += ["--output-reproducible", "--spec-version", VERSION, "--output-format", "JSON", "--no-validate"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"cyclonedx-py: {done.stderr[-3000:]}")
    made: Body = json.loads(done.stdout)
    return made


if __name__ == "__main__":
    sys.stdout.write(f"{write()}\n")
