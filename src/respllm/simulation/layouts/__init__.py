"""The five datasets' folder layouts, for simulated people.

Written from the publishers' descriptions, like the adapters in `respllm.datasets` that read them.
"""

from collections.abc import Callable

import numpy as np

from respllm.simulation.layouts.coswara import CoswaraLayout
from respllm.simulation.layouts.covid19_sounds import Covid19SoundsLayout
from respllm.simulation.layouts.icbhi import IcbhiLayout
from respllm.simulation.layouts.kauh import KauhLayout
from respllm.simulation.layouts.plan import Layout, PlannedRecording, Sample, WrittenFile
from respllm.simulation.layouts.uk_covid19 import UkCovid19Layout

LAYOUTS: dict[str, Callable[[Sample, np.random.Generator], Layout]] = {
    "uk_covid19": UkCovid19Layout,
    "covid19_sounds": Covid19SoundsLayout,
    "coswara": CoswaraLayout,
    "icbhi": IcbhiLayout,
    "kauh": KauhLayout,
}

__all__ = ["LAYOUTS", "Layout", "PlannedRecording", "Sample", "WrittenFile"]
