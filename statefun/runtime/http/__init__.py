"""What the HTTP ingress and the HTTP egress share: one server for a port, its limits, and its answers."""
