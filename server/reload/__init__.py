"""Changes the configuration of a server that runs: when to read it again, what differs, and what became of it."""

from server.reload.reloader import Outcome, Reloader
from server.reload.triggers import reloading

__all__ = ["Outcome", "Reloader", "reloading"]
