"""HVA over GPA, measured in one process: the figures to follow over time."""

from .common import WHY_NOT, _Ratio

if WHY_NOT is None:
    from xenperf.scenarios.hot_paths import HOT_PATHS

    NAMES = tuple(entry.name for entry in HOT_PATHS)
else:
    NAMES = ("none",)


class HotPaths(_Ratio):
    version = "1"
    params = (NAMES,)
