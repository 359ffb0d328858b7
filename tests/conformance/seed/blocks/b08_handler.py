from tests.conformance.seed.blocks.b03_messaging import functions
from statefun import RequestReplyHandler

handler = RequestReplyHandler(functions)
