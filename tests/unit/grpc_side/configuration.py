"""The configuration of the servers that these tests run."""

from __future__ import annotations

CONFIGURATION = """
listen: {grpc: "127.0.0.1:0", http: null, admin: null}
store: memory
providers:
  wild: {kind: wild}
models:
  wild: {provider: wild}
  echo: {provider: scripted}
  hidden: {provider: scripted, model: echo}
drain: {lame_duck: 0s, grace: 5s}
"""
KEYS = """
keys:
  - {name: one, key: "key-of-tenant-one-0123456789", tenant: one, models: [wild, echo]}
  - {name: two, key: "key-of-tenant-two-0123456789", tenant: two}
"""
