"""Adapters: each turns a request into one provider's wire, and its answer into the contract's events."""
