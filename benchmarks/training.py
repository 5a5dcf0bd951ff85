"""How soon a twin is herself, and what many at once cost: `make bench NAME=training`.

The measuring is in `learning`; this file bears the name of the service that is measured, so its
folder must be looked in after that.
"""

import sys

if __name__ == "__main__":
    sys.path.append(sys.path.pop(0))
    from learning.command import main

    sys.exit(main(sys.argv[1:]))
