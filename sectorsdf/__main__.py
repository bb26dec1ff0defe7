"""`python -m sectorsdf` is the command line."""

from sectorsdf.cli import main

if __name__ == "__main__":
    main()
