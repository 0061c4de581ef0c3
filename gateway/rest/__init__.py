"""The public REST API: methods of the gRPC services by paths, in the JSON form that protobuf gives their messages."""
