"""Conversations that are made short."""
