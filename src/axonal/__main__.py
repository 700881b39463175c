"""`python -m axonal`."""

from axonal.cli import main

if __name__ == "__main__":
    main()
