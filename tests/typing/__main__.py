"""`python -m tests.typing` prints each wrong line with what both checkers say of it."""

from tests.typing.checkers import main

main()
