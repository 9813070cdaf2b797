"""https: whose certificate is trusted, and what is said where it is not."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from tests.http.ends import PodOf, Serve, outcome
from tests.http.fake import Fake, always


@pytest.fixture
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(serve: Serve, ca: trustme.CA) -> Fake:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return serve(always({"output": "private"}), tls=context)


def test_a_certificate_of_a_private_ca_is_refused_and_ca_from_is_named(tls: Fake, pod: PodOf) -> None:
    ended = pod({"url": tls.url}).run()
    assert outcome(ended) == (78, "TLS", False)
    assert "set caFrom" in ended.error["message"]
    assert tls.asked == []


def test_a_private_ca_is_trusted_where_ca_from_names_it(tls: Fake, ca: trustme.CA, pod: PodOf, tmp_path: Path) -> None:
    ca.cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    http = {"url": tls.url, "caFrom": {"configMapKeyRef": {"name": "ca", "key": "ca.crt"}}}
    assert pod(http).run().result["output"] == "private"


def test_a_ca_file_that_is_none(tls: Fake, pod: PodOf, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("no PEM")
    ended = pod({"url": tls.url, "caFrom": {"secretKeyRef": {"name": "ca", "key": "ca.crt"}}}).run()
    assert outcome(ended) == (78, "TLS", False)
    assert "caFrom holds no PEM certificate" in ended.error["message"]


def test_https_to_a_server_without_tls(serve: Serve, pod: PodOf) -> None:
    ended = pod({"url": serve(always({})).url.replace("http:", "https:")}).run()
    assert outcome(ended) == (78, "TLS", False)
    assert "is it http://?" in ended.error["message"]
