"""What every test of the repository may use."""

import pytest

pytest_plugins = ["local.testing", "house.fixtures"]

_TOGETHER = ("tests/e2e", "tests/faults")
"""Folders whose tests share one house, and so one worker."""


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of a file, or of a house, on one of several workers."""
    for item in items:
        folder = item.path.parent.relative_to(config.rootpath).as_posix()
        item.add_marker(pytest.mark.xdist_group(folder if folder in _TOGETHER else str(item.path)))
