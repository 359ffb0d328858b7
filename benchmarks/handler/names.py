"""The names that the handlers of all contenders use, and the rig that asks and checks them."""

# One function, on every protocol and in every workload.
FUNCTION = "bench.shop/counter"
LEDGER = "bench.shop/ledger"
RECEIPTS = "bench.shop/receipts"
TOPIC = "receipts"

COUNT = "count"
BASKET = "basket"
BASKET_TYPE = "bench.shop/basket"
# The states of the wide function that nobody touches.
UNTOUCHED = tuple(f"untouched_{number:02}" for number in range(63))

ORDER_TYPE = "type.googleapis.com/benchmarks.handler.Order"
RECEIPT_TYPE = "type.googleapis.com/benchmarks.handler.Receipt"
LONG_V3 = "io.statefun.types/long"
LONG_V2 = "type.googleapis.com/google.protobuf.Int64Value"
KAFKA_V3 = "type.googleapis.com/io.statefun.sdk.egress.KafkaProducerRecord"
KAFKA_V2 = "type.googleapis.com/org.apache.flink.statefun.flink.io.KafkaProducerRecord"
