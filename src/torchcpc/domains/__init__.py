"""The domains by the name of their data: adding one is adding a record here."""

from torchcpc.domains.arrays import ARRAYS, DIGITS
from torchcpc.domains.pictures import HUB_IMAGES, IMAGES
from torchcpc.domains.record import DataSettings, Domain, Features
from torchcpc.domains.series import SERIES
from torchcpc.domains.speech import SPEECH
from torchcpc.domains.synthetic import SYNTHETIC
from torchcpc.domains.text import TEXT

DOMAINS: dict[str, Domain] = {
    domain.name: domain for domain in (SPEECH, DIGITS, HUB_IMAGES, IMAGES, SERIES, SYNTHETIC, TEXT, ARRAYS)
}

__all__ = ["DOMAINS", "DataSettings", "Domain", "Features"]
