"""Addresses to listen on: `HOST:PORT`, with brackets around IPv6."""

from __future__ import annotations

import ipaddress
import re

_ADDRESS = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})))?:(?P<port>[0-9]{1,5})"
)


def split(address: str) -> tuple[str, int]:
    """Return host (without brackets) and port. Raises `ValueError`; port 0 lets the system choose one."""
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > 65535:
        raise ValueError("must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
    host = match["v6"] or match["host"]
    if host is None:
        raise ValueError("needs a host before the port, such as 127.0.0.1:8080; 0.0.0.0 stands for every interface")
    if match["v6"]:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise ValueError("holds no IPv6 address between the brackets") from None
    return host, int(match["port"])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host. Names other than localhost may resolve to anything."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
