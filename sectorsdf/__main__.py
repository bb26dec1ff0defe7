"""`python -m sectorsdf` is the command line."""

from sectorsdf.cli.app import main

if __name__ == "__main__":
    main()
