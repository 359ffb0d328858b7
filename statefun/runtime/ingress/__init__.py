"""Where input comes from: one file for each kind of ingress."""
