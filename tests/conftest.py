"""What tests of several folders need."""

from __future__ import annotations

from server.testing.redis import redis_server as redis_server
