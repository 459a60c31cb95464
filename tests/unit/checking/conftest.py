"""Makes the module beside the tests importable by them as `checking_streams`, for tests are no package."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

if "checking_streams" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("checking_streams", Path(__file__).with_name("streams.py"))
    assert _spec is not None
    assert _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules["checking_streams"] = _module
    _spec.loader.exec_module(_module)
