"""Command line of the harness, called by the Makefile: python -m tools.cluster COMMAND."""

from __future__ import annotations

import argparse
import os
import sys

from tools import sbom
from tools.cluster import binaries, buildah, demo, images, kind, layout, native, providers
from tools.cluster.base import Cluster
from tools.cluster.existing import ExistingCluster
from tools.cluster.kind import KindCluster
from tools.cluster.native import NativeCluster
from tools.cluster.paths import IMAGE
from tools.cluster.progress import locked, say, step

COMMANDS = {
    "up": "start the cluster, unless it runs, and print how to use it",
    "down": "remove the cluster, and what crashed test runs left",
    "demo": "start the cluster anew and show the operator at work in it",
    "image": "build the image, and load it into the cluster if one is up",
    "kubeconfig": "print the path of the cluster's kubeconfig",
    "logs": "print the end of each component's log (native only)",
    "prepare": "have everything that the tests need, and say which provider they will use",
    "tool": "print the path of a program (kubectl, helm, …), built if need be",
}


def main() -> None:
    """Parse the command line and do one thing."""
    parser = argparse.ArgumentParser(prog="python -m tools.cluster", formatter_class=argparse.RawTextHelpFormatter)
    commands = "\n".join(f"{name:<11} {what}" for name, what in COMMANDS.items())
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help=commands)
    parser.add_argument("program", nargs="?", choices=binaries.PROGRAMS, metavar="PROGRAM", help="for `tool`")
    parser.add_argument("--name", default="demo", help="the cluster's name (default: demo)")
    parser.add_argument("--size", choices=("control-plane", "node"), default="node", help="native: with a node or not")
    options = parser.parse_args()
    try:
        _ACTIONS[options.command](options)
    except (RuntimeError, TimeoutError) as error:
        sys.exit(f"{error}")  # the message says what went wrong, and where to look


def _cluster(options: argparse.Namespace) -> Cluster:
    return providers.cluster(options.name, options.size == "node", stays=True)


def _up(options: argparse.Namespace) -> None:
    cluster = _cluster(options)
    if not _answers(cluster):
        _start(cluster)
    print(f"export KUBECONFIG={cluster.kubeconfig}")


def _down(options: argparse.Namespace) -> None:
    """Whatever provider made it: the choice may have been another one then."""
    native.remove_orphans()
    with locked("image"):  # not under the hands of a build
        buildah.unmount()
    if layout.find(options.name):
        with step(f"removing native cluster {options.name}"):
            NativeCluster(options.name).down()
    if kind.kubeconfig(options.name).exists():
        with step(f"removing kind cluster {options.name}"):
            KindCluster(options.name).down()
    if os.environ.get("CLUSTER") == "existing":
        demo.remove(ExistingCluster())


def _demo(options: argparse.Namespace) -> None:
    cluster = _cluster(options)
    _start(cluster)
    demo.run(cluster)


def _image(options: argparse.Namespace) -> None:
    archive = images.archive()
    with step("writing what is in it (CycloneDX)"):
        bill = sbom.write()
    cluster = _cluster(options)
    if _answers(cluster):
        with step(f"loading {IMAGE} into {cluster.provider} cluster {cluster.name}"):
            cluster.load_image(archive)
    print(archive)
    print(bill)


def _kubeconfig(options: argparse.Namespace) -> None:
    print(_cluster(options).kubeconfig)


def _logs(options: argparse.Namespace) -> None:
    native.print_logs(options.name)


def _prepare(_: argparse.Namespace) -> None:
    provider = providers.provider()
    say(f"cluster provider: {provider}")
    if provider == "native":
        native.prepare(with_node=True)
        native.remove_orphans()
    binaries.on_path_or_built("helm")
    if provider != "existing":
        images.archive()


def _tool(options: argparse.Namespace) -> None:
    if not options.program:
        sys.exit(f"which one? {', '.join(binaries.PROGRAMS)}")
    print(binaries.on_path_or_built(options.program))


def _start(cluster: Cluster) -> None:
    say(f"cluster provider: {cluster.provider}")
    if cluster.provider == "native":
        native.prepare(cluster.node)  # has progress lines of its own
    with step(f"starting {cluster.provider} cluster {cluster.name}"):
        cluster.up()


def _answers(cluster: Cluster) -> bool:
    return cluster.kubeconfig.exists() and "ok" in cluster.kubectl("get", "--raw", "/readyz", check=False)


_ACTIONS = {
    "up": _up,
    "down": _down,
    "demo": _demo,
    "image": _image,
    "kubeconfig": _kubeconfig,
    "logs": _logs,
    "prepare": _prepare,
    "tool": _tool,
}

if __name__ == "__main__":
    main()
