"""The statements for the server's own secrets, each a job for the worker of a connection."""

from __future__ import annotations

from typing import cast

import apsw


def secret(connection: apsw.Connection, name: str, proposed: bytes) -> bytes:
    """Read the secret of a name; write `proposed` where there is none."""
    connection.execute("INSERT INTO secrets VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (name, proposed))
    ((kept,),) = connection.execute("SELECT secret FROM secrets WHERE name = ?", (name,)).fetchall()
    return cast(bytes, kept)
