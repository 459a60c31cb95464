"""Makes the modules beside the tests importable by them as `engine_...`, for tests are no package."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

for _name in ("streams", "parts", "connecting"):
    if f"engine_{_name}" not in sys.modules:
        _spec = importlib.util.spec_from_file_location(f"engine_{_name}", Path(__file__).with_name(f"{_name}.py"))
        assert _spec is not None
        assert _spec.loader is not None
        _module = importlib.util.module_from_spec(_spec)
        sys.modules[f"engine_{_name}"] = _module
        _spec.loader.exec_module(_module)


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged."""
    with capture_logs() as entries:
        yield entries
