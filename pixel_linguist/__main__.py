"""`python -m pixel_linguist VERB ...`."""

from pixel_linguist.cli.main import main

if __name__ == "__main__":
    main()
