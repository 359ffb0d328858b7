"""Where output goes: one file for each kind of egress."""
