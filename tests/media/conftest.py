"""The step of the processor chain, as a store with media gets it."""

from __future__ import annotations

import pytest

from spanbridge.media.step import MediaStep


@pytest.fixture
def media_step() -> MediaStep:
    return MediaStep(max_bytes=16 * 1024 * 1024)
