"""A Kafka cluster in Python; the floors, from the ground up.

    world, events          clock, network, disk, chance          | what happened
    protocol               bytes <-> messages
    storage, peers         one partition's bytes                 | asking another node
    metadata, quorum       what the cluster looks like           | who leads the metadata log
    controller, replication, coordination
    broker                 one node
    cluster                many nodes as one thing
    sandbox                the roof, and the only front door

Importing a low floor never loads the roof.
"""
