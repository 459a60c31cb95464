"""What tests of the server and of plug-ins are made of: contracts, fake upstreams, a server on a free port."""
