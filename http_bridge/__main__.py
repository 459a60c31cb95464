"""Runs the bridge as `python -m http_bridge`."""

from __future__ import annotations

import sys

from http_bridge.cli import main

if __name__ == "__main__":
    sys.exit(main())
