"""The gRPC door: its table of methods, who may call them, what stands before each, and how refusals are told."""
