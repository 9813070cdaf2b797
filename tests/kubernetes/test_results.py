"""What an attempt leaves behind: the termination message and the log, and what is answered in their place."""

from __future__ import annotations

import pytest

from tests.fixtures import node_group
from tests.kubernetes.lab import Lab
from tests.kubernetes.objects import Body, job, job_spec, pod_spec
from tests.kubernetes.runs import end_of, is_over, log, newest, outcome, run

pytestmark = node_group("kubelet")

LONGEST = 4096  # bytes of a termination message
PIECE = 16 * 1024  # bytes of a log line, and what tailLines counts
LINE = 10_000_000  # bytes without a newline
LINES = 20  # asked for

FALLBACK: Body = {"terminationMessagePolicy": "FallbackToLogsOnError"}
LITTLE_MEMORY: Body = {"resources": {"limits": {"memory": "30Mi"}}}
READ_ONLY: Body = {"securityContext": {"readOnlyRootFilesystem": True, "runAsNonRoot": True}}


def python(code: str) -> str:
    """A script that runs Python."""
    return f'python -c "{code}"'


WRITES = {
    "long": python("print('A' + 'x' * 4998 + 'Z', end='')") + " >/dev/termination-log",
    "cut": python("print('é' * 3000 + 'Z', end='')") + " >/dev/termination-log",
    "bytes": r"printf 'a\377b\000c\033[1m' >/dev/termination-log",
    "line": python(f"print('S' + 'x' * {LINE - 2} + 'E', end='')"),
    "raw": r"printf 'a\377b\000c\033[1m\n'; echo aside >&2; printf 'end \344'",
}
FALLS_BACK = {
    "lines": "seq 100; exit 1",
    "kilobytes": python("print('A' + 'x' * 4998 + 'Z')") + "; exit 1",
    "success": "echo logged",
    "file": "echo logged; printf written >/dev/termination-log; exit 1",
}
RENAMES = """
printf kept >/dev/termination-log
touch /dev/termination-log.new || echo touch
mv /dev/termination-log /tmp/file || echo mv
rm /dev/termination-log || echo rm
"""


@pytest.fixture(scope="module")
def written(node_lab: Lab, image: str) -> Lab:
    """The lab, once everything has ended."""
    bodies = [run(name, image, script, limit=0) for name, script in WRITES.items()]
    bodies += [run(name, image, script, limit=0, container=FALLBACK) for name, script in FALLS_BACK.items()]
    bodies += [
        run("read-only", image, RENAMES, limit=0, container=READ_ONLY),
        run("memory", image, python("bytearray(200_000_000)"), limit=0, container=LITTLE_MEMORY),
        job("missing", **job_spec(pod_spec(image, "/no/such"))),
        job("four", **job_spec(_four(image))),
    ]
    for body in bodies:
        node_lab.add_job(body)
    for body in bodies:
        name = body["metadata"]["name"]
        node_lab.wait(lambda: is_over(node_lab, name), f"the end of {name}", 90)  # noqa: B023
    return node_lab


def test_a_termination_message_is_the_last_4096_bytes(written: Lab) -> None:
    message = _message(written, "long")
    assert (len(message), message[0], message[-1]) == (LONGEST, "x", "Z")


def test_a_character_that_was_cut_is_replaced_and_the_message_grows(written: Lab) -> None:
    message = _message(written, "cut")
    assert (message[:2], message[-2:]) == ("\ufffdé", "éZ")
    assert len(message.encode()) == LONGEST + 2  # one byte became three


def test_broken_bytes_are_replaced_while_nul_and_escapes_stay(written: Lab) -> None:
    assert _message(written, "bytes") == "a\ufffdb\0c\033[1m"


def test_of_four_containers_each_keeps_the_first_3072_of_its_last_bytes(written: Lab) -> None:
    pod = newest(written, "four", "Succeeded")
    messages = [end_of(pod, name).message for name in ("agent", "b", "c", "d")]
    assert messages == ["x" * (12 * 1024 // 4)] * 4  # neither its begin nor its end


def test_a_failure_without_a_message_falls_back_to_80_lines_of_the_log(written: Lab) -> None:
    assert _message(written, "lines").splitlines() == [str(number) for number in range(21, 101)]


def test_a_failure_without_a_message_falls_back_to_2048_bytes_of_the_log(written: Lab) -> None:
    assert _message(written, "kilobytes") == "x" * 2046 + "Z\n"


def test_a_success_or_a_written_message_does_not_fall_back(written: Lab) -> None:
    assert _message(written, "success") is None
    assert _message(written, "file") == "written"


def test_with_a_read_only_root_the_file_can_be_written_but_not_replaced(written: Lab) -> None:
    assert _message(written, "read-only") == "kept"
    text = log(written, written.pods("read-only")[0]).decode().splitlines()
    assert {"touch", "mv", "rm"} <= set(text)


def test_tail_lines_counts_pieces_of_16_kib_and_gives_the_end_of_a_long_line(written: Lab) -> None:
    [pod] = written.pods("line")
    tail = log(written, pod, tail_lines=LINES)
    assert PIECE * (LINES - 1) < len(tail) <= PIECE * LINES
    assert tail == b"x" * (len(tail) - 1) + b"E"


def test_limit_bytes_cuts_off_the_end(written: Lab) -> None:
    [pod] = written.pods("line")
    assert log(written, pod, tail_lines=LINES, limit_bytes=1000) == b"x" * 1000


def test_a_log_arrives_as_raw_bytes_of_both_streams(written: Lab) -> None:
    text = log(written, written.pods("raw")[0], tail_lines=LINES)
    assert text.replace(b"aside\n", b"") == b"a\xffb\0c\033[1m\nend \xe4"
    assert b"aside\n" in text


def test_a_command_that_does_not_exist_ends_with_a_start_error_and_an_empty_log(written: Lab) -> None:
    [pod] = written.pods("missing")
    end = end_of(pod)
    assert (end.exit_code, end.reason, end.started_at.year) == (128, "StartError", 1970)
    assert '"/no/such": stat /no/such: no such file or directory' in end.message
    assert log(written, pod) == b""


def test_too_much_memory_is_called_by_name(written: Lab) -> None:
    end = end_of(written.pods("memory")[0])
    assert (end.exit_code, end.reason) == (137, "OOMKilled")


def _four(image: str) -> Body:
    pod = pod_spec(image, "sh", "-c", WRITES["long"])
    return {**pod, "containers": [{**pod["containers"][0], "name": name} for name in ("agent", "b", "c", "d")]}


def _message(lab: Lab, name: str) -> str:
    outcome(lab, name)
    return end_of(lab.pods(name)[0]).message
