"""Writes the registry's page, to `docs/telemetry.md` or to the path that is given."""

from __future__ import annotations

import sys
from pathlib import Path

from server.telemetry.registry.page import page

Path(sys.argv[1] if len(sys.argv) > 1 else "docs/telemetry.md").write_text(page(), encoding="utf-8")
