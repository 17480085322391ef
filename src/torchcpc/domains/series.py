"""Series of sensors."""

from torchcpc.baselines.series import RAW_WINDOWS
from torchcpc.data.series.series import scan_series
from torchcpc.domains.record import Domain

SERIES = Domain(name="series", reader=scan_series, source="series", handmade=RAW_WINDOWS)
