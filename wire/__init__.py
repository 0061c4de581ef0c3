"""Protobuf to domain types and back: the only code that both adapters share."""
