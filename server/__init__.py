"""The gRPC server of Antiphon. Internal but for `server.testing` and the `base.py` modules, which plug-ins may use."""
