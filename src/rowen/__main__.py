"""`rowen`, and `python -m rowen`: the command line."""

from rowen.cli.main import main

if __name__ == "__main__":
    main()
