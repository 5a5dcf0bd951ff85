"""Tests of a file, or of a house, run on one of several workers: each would start a house else."""

import os

import pytest


def test_the_runner_keeps_a_file_together(request: pytest.FixtureRequest) -> None:
    """The group is part of a test's name, as xdist reads it; a pytest it does not know drops it."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith(f"@{request.node.path}")
