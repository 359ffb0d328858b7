"""The counter behind an HTTP ingress, for `statefun run`. The variable BENCHMARK_PORT says where to listen."""

import os

from benchmarks.runtime.contenders.counter import Counter
from statefun import StatefulFunctions
from statefun.model import PlaygroundIngress

functions = StatefulFunctions()
functions.register(Counter)
functions.ingress(PlaygroundIngress(port=int(os.environ["BENCHMARK_PORT"])))
