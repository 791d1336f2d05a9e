"""The command line, where it is started as `python -m threelines`."""

from threelines.cli.main import main

if __name__ == "__main__":
    main()
