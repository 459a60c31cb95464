"""OpenAI's HTTP API in front of the gRPC service: a client of it that knows descriptors, the codec and no more."""
