from tests.conformance.seed.blocks.b03_messaging import caller_function
from statefun import StatefulFunctions

functions = StatefulFunctions()

functions.register("example/caller", caller_function)
