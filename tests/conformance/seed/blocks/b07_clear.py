from google.protobuf.any_pb2 import Any
from statefun import StatefulFunctions, ValueSpec

functions = StatefulFunctions()

@functions.bind("example/forget", specs=[ValueSpec(Any, name="count")])
def forget(context, message):
    del context["count"]
