"""The user's messages of the workloads, and the part of the handler that is the user's whichever SDK calls it."""

from google.protobuf import descriptor_pool

from benchmarks.handler import protos

# In the default pool, where a user's generated code lives.
_classes = protos.load("workload.proto", descriptor_pool.Default())
Order = _classes.Order
Receipt = _classes.Receipt


def receipt_for(order, count):  # type: ignore[no-untyped-def]  # typed in messages.pyi
    """Build what the handler sends."""
    receipt = Receipt()
    receipt.item = order.item
    receipt.count = count
    return receipt
