"""Fixtures for all tests: they are in tests/fixtures.py."""

pytest_plugins = ["tests.fixtures"]
