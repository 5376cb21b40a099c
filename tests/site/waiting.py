"""Waiting for a page's scripts, which a busy machine runs late: late is not wrong."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

PATIENCE = 30_000  # milliseconds; after that it will not happen


def settle(page: Page, address: str) -> None:
    """Open a page and wait for its scripts; the network alone can fall silent before they have run."""
    page.goto(address, wait_until="load")
    page.wait_for_load_state("networkidle")


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait for what a script does in its own time."""
    for _ in range(PATIENCE // 100):
        if holds():
            return
        page.wait_for_timeout(100)
    pytest.fail(f"waited {PATIENCE // 1000} s in vain")
