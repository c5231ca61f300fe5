"""`python -m thidua_ner`: the command `thidua-ner` without an installation."""

from thidua_ner.commands import main

if __name__ == "__main__":
    main()
