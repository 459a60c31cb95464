"""Makes the strategies of `documents.py` importable as `codec_documents`, for tests are no package."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

if "codec_documents" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("codec_documents", Path(__file__).with_name("documents.py"))
    assert _spec is not None
    assert _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules["codec_documents"] = _module
    _spec.loader.exec_module(_module)
