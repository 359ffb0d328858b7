"""Which records a declared egress does not take."""

from statefun import Context, KafkaRecord, KinesisRecord, StatefulFunction, handles
from statefun.model import KafkaEgress, KinesisEgress

TOPICS = KafkaEgress(id="negative-egresses/topics", address="kafka:9092")
STREAMS = KinesisEgress(id="negative-egresses/streams")


class Sender(StatefulFunction[str], typename="negative-egresses/sender"):
    @handles
    def on_text(self, context: Context, text: str) -> None:
        # mypy error: [call-overload] No overload variant of "send_egress" of "Context" matches argument types "KafkaEgress", "KinesisRecord"
        # pyright error: [reportCallIssue] No overloads for "send_egress" match the provided arguments
        # pyright error: [reportArgumentType] Argument of type "KinesisRecord" cannot be assigned to parameter "message" of type "KafkaRecord" in function "send_egress"
        context.send_egress(TOPICS, KinesisRecord(stream="s", partition_key="p", value=text))
        # mypy error: [call-overload] No overload variant of "send_egress" of "Context" matches argument types "KinesisEgress", "KafkaRecord"
        # pyright error: [reportCallIssue] No overloads for "send_egress" match the provided arguments
        # pyright error: [reportArgumentType] Argument of type "KafkaRecord" cannot be assigned to parameter "message" of type "KinesisRecord" in function "send_egress"
        context.send_egress(STREAMS, KafkaRecord(topic="t", value=text))
        # mypy error: [call-overload] No overload variant of "send_egress" of "Context" matches argument types "KafkaEgress", "str"
        # pyright error: [reportCallIssue] No overloads for "send_egress" match the provided arguments
        # pyright error: [reportArgumentType] Argument of type "str" cannot be assigned to parameter "message" of type "KafkaRecord" in function "send_egress"
        context.send_egress(TOPICS, text)
