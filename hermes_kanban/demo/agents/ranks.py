"""Where radon's ranks begin: https://radon.readthedocs.io/en/latest/commandline.html"""

from __future__ import annotations

from typing import Final

COMPLEX_FROM: Final = 11  # cyclomatic complexity, rank C
MAINTAINABLE_FROM: Final = 20  # maintainability index, rank A
