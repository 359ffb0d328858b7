"""The messages of the wire contracts in `protos/`, in a descriptor pool of their own.

The modules beside this file are written by `make proto`; `_pool.py` and this file are not.
"""
