from google.protobuf.message import Message

class Order(Message):
    customer: str
    item: str
    amount: int
    def __init__(self, *, customer: str = ..., item: str = ..., amount: int = ...) -> None: ...

class Receipt(Message):
    item: str
    count: int
    def __init__(self, *, item: str = ..., count: int = ...) -> None: ...

def receipt_for(order: Order, count: int) -> Receipt: ...
