"""`python -m statefun`: the command `statefun`."""

from statefun.cli import main

if __name__ == "__main__":
    main()
