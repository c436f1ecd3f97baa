"""``python -m sb3_presa``: the ``sb3-presa`` command where it is not on the path."""

from sb3_presa.cli import main

if __name__ == "__main__":
    main()
