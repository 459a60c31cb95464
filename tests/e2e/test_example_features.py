"""The scripts in `examples/` that show one feature each run as they are against a server, and show what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from e2e_layouts import KEY_A, Layout

EXAMPLES = Path(__file__).parents[2] / "examples"
#: What each prints, and whether it speaks gRPC.
SHOWN = {
    "background": (
        r"resp_\w+ is queued\nit is in_progress\nit is completed\nit says 'Take your time\.'\n"
        r"resp_\w+ is cancelled, having said '.+'\n",
        False,
    ),
    "once": (r"asked 5 times, made 1 time: resp_\w+\nanother request with that key: idempotency_key_reused\n", False),
    "resume": (
        r".* \.\.\. cut after event \d+ \.\.\..* the rest of it\.\n"
        r"events \d+ to \d+ were told again, and the text is whole\n",
        False,
    ),
    "resume_grpc": (
        r"resp_\w+ is being made, and nobody listens\none heard \d+ events, the other \d+\n"
        r"both heard 'Two may listen to one answer, each from where it likes\.'\n",
        True,
    ),
}


@pytest.mark.parametrize("name", SHOWN)
def test_it_shows_what_it_says(layout: Layout, name: str) -> None:
    shown, over_grpc = SHOWN[name]
    run = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), layout.grpc_address if over_grpc else f"{layout.url}/v1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"ANTIPHON_KEY": KEY_A},
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert re.fullmatch(shown, run.stdout), run.stdout
