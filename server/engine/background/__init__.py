"""Responses that go on without their caller, and whoever follows them."""
