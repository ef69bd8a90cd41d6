"""The feature levels of a new cluster. Changing them by UpdateFeatures is not here yet."""

from engine.controller.decision import Decision
from engine.controller.view import ELR_FEATURE, View
from engine.protocol.stored.metadata import METADATA_VERSION_FEATURE, RESOURCE_BROKER, ConfigRecord, FeatureLevelRecord

METADATA_VERSION = 30  # 4.3-IV0
# group.version, transaction.version, share.version and streams.version come with what they switch on.
FIRST_LEVELS = {METADATA_VERSION_FEATURE: METADATA_VERSION, ELR_FEATURE: 1}


def begin(view: View) -> Decision:
    """What the first controller of a cluster writes; nothing where there is something already."""
    if METADATA_VERSION_FEATURE in view.image.features:
        return Decision()
    levels = [FeatureLevelRecord(name=name, feature_level=level) for name, level in FIRST_LEVELS.items()]
    # KIP-966: with eligible leader replicas all brokers must agree on min.insync.replicas, so it is set for the whole cluster.
    least = str(view.config["min.insync.replicas"])
    agreed = ConfigRecord(resource_type=RESOURCE_BROKER, resource_name="", name="min.insync.replicas", value=least)
    return Decision(records=[*levels, agreed])
