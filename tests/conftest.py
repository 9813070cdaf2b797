"""Fixtures for all tests: they are in tests/cluster/fixtures.py."""

pytest_plugins = ["tests.cluster.fixtures"]
