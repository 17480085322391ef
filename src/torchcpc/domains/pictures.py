"""Pictures, in folders or in parquet tables of the Hub."""

from torchcpc.baselines.pictures import PIXELS
from torchcpc.data.pictures.hub_images import hub_images
from torchcpc.data.pictures.images import scan_images
from torchcpc.domains.record import Domain

IMAGES = Domain(name="images", reader=scan_images, source="picture", step="patch", handmade=PIXELS)
HUB_IMAGES = Domain(name="hub_images", reader=hub_images, needs_data=False, source="picture", step="patch", handmade=PIXELS)
