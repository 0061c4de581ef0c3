"""The door: gRPC services, the static server of the front end, feeds from providers, sessions."""
