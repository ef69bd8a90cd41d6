"""kafka-topics.sh: create, list, describe, alter and delete topics, with Kafka's options, output and exit status."""

import argparse
import sys
from collections.abc import Iterable

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

ANSWER_SECONDS_MAX = 30
INTERNAL = {"__consumer_offsets", "__transaction_state", "__share_group_state"}


class Refused(Exception):
    """The command line or the cluster said no; the message is what Kafka's tool would print."""


def main(words: list[str]) -> int:
    """Runs the tool; 0 when all went well, else 1 with the reason on standard error."""
    options = _options(words)
    try:
        _check(options)
        admin = AdminClient({"bootstrap.servers": options.bootstrap_server, "log_level": 0} | _properties(options.command_config))
        ACTIONS[options.action](admin, options)
        return 0
    except Refused as error:
        print(f"Error while executing topic command : {error}", file=sys.stderr)
    except KafkaException as error:
        print(f"Error while executing topic command : {error.args[0].str()}", file=sys.stderr)
    return 1


def _options(words: list[str]) -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="kafka-topics.sh", description=__doc__, allow_abbrev=False)
    options.add_argument("--bootstrap-server", required=True, metavar="HOST:PORT[,...]")
    options.add_argument("--command-config", metavar="FILE", help="properties of the admin client")
    for action, doc in (
        ("create", "create a topic"), ("list", "list all topics"), ("describe", "tell the details of topics"),
        ("alter", "add partitions"), ("delete", "delete a topic"),
    ):
        options.add_argument(f"--{action}", dest="action", action="append_const", const=action, help=doc)
    options.add_argument("--topic")
    options.add_argument("--partitions", type=int)
    options.add_argument("--partition", type=int, help=argparse.SUPPRESS)
    options.add_argument("--replication-factor", type=int)
    options.add_argument("--replica-assignment", metavar="1:2,2:3", help="brokers of each partition")
    options.add_argument("--config", action="append", default=[], metavar="NAME=VALUE")
    options.add_argument("--if-exists", action="store_true")
    options.add_argument("--if-not-exists", action="store_true")
    options.add_argument("--exclude-internal", action="store_true")
    options.add_argument("--under-replicated-partitions", action="store_true")
    options.add_argument("--unavailable-partitions", action="store_true")
    options.add_argument("--under-min-isr-partitions", action="store_true")
    options.add_argument("--at-min-isr-partitions", action="store_true")
    options.add_argument("--topics-with-overrides", action="store_true")
    chosen = options.parse_args(words)
    if not chosen.action or len(chosen.action) != 1:
        options.error("Command must include exactly one action: --list, --describe, --create, --alter or --delete")
    chosen.action = chosen.action[0]
    return chosen


def _check(options: argparse.Namespace) -> None:
    if options.partition is not None:
        if options.partitions is not None:
            raise Refused("--partition and --partitions are both given; Kafka's own tool knows --partitions only")
        print("kafka-topics.sh: taking --partition as --partitions; Kafka's own tool wants --partitions", file=sys.stderr)
        options.partitions = options.partition
    if options.action in {"create", "alter", "delete"} and not options.topic:
        raise Refused('Missing required argument "[topic]"')
    if options.action == "alter" and options.partitions is None:
        raise Refused('Missing required argument "[partitions]"')
    if options.partitions is not None and options.partitions < 1:
        raise Refused("The partitions must be greater than 0")
    if options.replica_assignment and (options.partitions is not None or options.replication_factor is not None):
        raise Refused('Option "[replica-assignment]" can\'t be used with option "[partitions]" or "[replication-factor]"')


def _properties(path: str | None) -> dict[str, str]:
    if path is None:
        return {}
    with open(path) as file:
        pairs = (line.split("=", 1) for line in file if "=" in line and not line.lstrip().startswith("#"))
        return {name.strip(): value.strip() for name, value in pairs}


def _pairs(given: Iterable[str]) -> dict[str, str]:
    for pair in given:
        if "=" not in pair:
            raise Refused(f"--config {pair}: it must be NAME=VALUE")
    return dict(pair.split("=", 1) for pair in given)


def _create(admin: AdminClient, options: argparse.Namespace) -> None:
    if "." in options.topic or "_" in options.topic:
        print(
            "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. "
            "To avoid issues it is best to use either, but not both."
        )
    topic = NewTopic(
        options.topic,
        num_partitions=-1 if options.partitions is None else options.partitions,
        replication_factor=-1 if options.replication_factor is None else options.replication_factor,
        config=_pairs(options.config),
    )
    if options.replica_assignment:
        assigned = [[int(broker) for broker in part.split(":")] for part in options.replica_assignment.split(",")]
        topic = NewTopic(options.topic, len(assigned), replica_assignment=assigned, config=_pairs(options.config))
    try:
        _only(admin.create_topics([topic]))
    except KafkaException as error:
        if options.if_not_exists and error.args[0].name() == "TOPIC_ALREADY_EXISTS":
            return
        raise
    print(f"Created topic {options.topic}.")


def _list(admin: AdminClient, options: argparse.Namespace) -> None:
    for name in _names(admin, options):
        print(name)


def _names(admin: AdminClient, options: argparse.Namespace) -> list[str]:
    known = sorted(admin.list_topics(timeout=ANSWER_SECONDS_MAX).topics)
    wanted = None if options.topic is None else set(options.topic.split(","))
    names = [name for name in known if wanted is None or name in wanted]
    if wanted and not names and not options.if_exists:
        raise Refused(f"Topic '{options.topic}' does not exist as expected")
    return [name for name in names if not (options.exclude_internal and name in INTERNAL)]


def _describe(admin: AdminClient, options: argparse.Namespace) -> None:
    names = _names(admin, options)
    if not names:
        return
    described = admin.describe_topics(TopicCollection(names), request_timeout=ANSWER_SECONDS_MAX)
    configs = _overrides(admin, names)
    for name in names:
        topic = described[name].result(ANSWER_SECONDS_MAX)
        own = configs[name]
        only_some = (
            options.under_replicated_partitions or options.unavailable_partitions
            or options.under_min_isr_partitions or options.at_min_isr_partitions
        )
        if options.topics_with_overrides and not own[0]:
            continue
        if not only_some:
            _print_topic(topic, own[0])
        if not options.topics_with_overrides:
            for part in topic.partitions:
                if not only_some or _is_wanted(part, options, min_isr=own[1]):
                    _print_partition(name, part)


def _overrides(admin: AdminClient, names: list[str]) -> dict[str, tuple[dict[str, str], int]]:
    """Topic -> (its own configs, its effective min.insync.replicas)."""
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    found = {}
    for resource, future in admin.describe_configs(resources, request_timeout=ANSWER_SECONDS_MAX).items():
        entries = future.result(ANSWER_SECONDS_MAX)
        own = {entry.name: entry.value for entry in entries.values() if entry.source == 1}  # DYNAMIC_TOPIC_CONFIG
        found[resource.name] = (own, int(entries["min.insync.replicas"].value))
    return found


def _is_wanted(part, options: argparse.Namespace, *, min_isr: int) -> bool:
    has_leader = part.leader is not None and part.leader.id >= 0
    return (
        (options.under_replicated_partitions and len(part.isr) < len(part.replicas))
        or (options.unavailable_partitions and not has_leader)
        or (options.under_min_isr_partitions and len(part.isr) < min_isr)
        or (options.at_min_isr_partitions and len(part.isr) == min_isr)
    )


def _print_topic(topic, own: dict[str, str]) -> None:
    configs = ",".join(f"{name}={value}" for name, value in sorted(own.items()))
    factor = len(topic.partitions[0].replicas) if topic.partitions else 0
    print(
        f"Topic: {topic.name}\tTopicId: {topic.topic_id}\tPartitionCount: {len(topic.partitions)}"
        f"\tReplicationFactor: {factor}\tConfigs: {configs}"
    )


def _print_partition(name: str, part) -> None:
    leader = part.leader.id if part.leader is not None and part.leader.id >= 0 else "none"
    ids = lambda nodes: ",".join(str(node.id) for node in nodes)
    # The eligible leader replicas (KIP-966) are not in what this client library reads.
    print(
        f"\tTopic: {name}\tPartition: {part.id}\tLeader: {leader}\tReplicas: {ids(part.replicas)}\tIsr: {ids(part.isr)}"
        "\tElr: N/A\tLastKnownElr: N/A"
    )


def _alter(admin: AdminClient, options: argparse.Namespace) -> None:
    for name in _names(admin, options):
        _only(admin.create_partitions([NewPartitions(name, options.partitions)]))


def _delete(admin: AdminClient, options: argparse.Namespace) -> None:
    names = _names(admin, options)
    if names:
        for future in admin.delete_topics(names, operation_timeout=ANSWER_SECONDS_MAX).values():
            future.result(ANSWER_SECONDS_MAX)


def _only(futures: dict) -> None:
    for future in futures.values():
        future.result(ANSWER_SECONDS_MAX)


ACTIONS = {"create": _create, "list": _list, "describe": _describe, "alter": _alter, "delete": _delete}
