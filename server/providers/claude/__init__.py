"""Claude, wherever it is asked: what its models take, and how they are told to think.

One table for Anthropic's own API and for the clouds that serve the same models
under wires of their own.
"""
