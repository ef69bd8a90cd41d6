// The part of the fold that is about topics and partitions. Pure.
// Rule: the twin of engine/sandbox/apply_topics.py; tests/shared/apply_cases.json holds the two together.

import type { Cluster, Fact, Fold, Partition, Topic } from './model.ts'

interface WirePartition {
  partition: number; leader: number; leader_epoch: number; partition_epoch: number
  replicas: number[]; isr: number[]; elr?: number[]
}

const fresh = (wire: WirePartition): Partition => ({
  partition: wire.partition, leader: wire.leader, leader_epoch: wire.leader_epoch, partition_epoch: wire.partition_epoch,
  replicas: wire.replicas, isr: wire.isr, elr: wire.elr ?? [], high_watermark: 0, log_start: 0, logs: {}, epochs: [],
})

function topicCreated(cluster: Cluster, fact: Fact): Cluster {
  // Told again by the next controller, because nobody knew whether the first one had told it.
  if (cluster.topics.some((one) => one.id === fact.topic_id)) return cluster
  const made: Topic = {
    name: fact.topic, id: fact.topic_id, internal: fact.internal ?? false, configs: fact.topic_configs,
    partitions: fact.partitions.map(fresh),
  }
  const topics = [...cluster.topics.filter((one) => one.name !== made.name), made]
  return { ...cluster, topics: topics.sort((a, b) => (a.name < b.name ? -1 : 1)) }
}

function topicDeleted(cluster: Cluster, fact: Fact): Cluster {
  return { ...cluster, topics: cluster.topics.filter((one) => one.name !== fact.topic) }
}

function topic(cluster: Cluster, name: string, change: (topic: Topic) => Topic): Cluster {
  return { ...cluster, topics: cluster.topics.map((one) => (one.name === name ? change(one) : one)) }
}

function partition(cluster: Cluster, fact: Fact, change: (partition: Partition) => Partial<Partition>): Cluster {
  // Two controllers may tell out of order: an older partition epoch changes nothing.
  const turn = (part: Partition): Partition => {
    const changes = change(part)
    return (changes.partition_epoch ?? part.partition_epoch) < part.partition_epoch ? part : { ...part, ...changes }
  }
  return topic(cluster, fact.topic, (one) => ({
    ...one, partitions: one.partitions.map((part) => (part.partition === fact.partition ? turn(part) : part)),
  }))
}

const partitionsAdded: Fold = (cluster, fact) =>
  topic(cluster, fact.topic, (one) => {
    const known = new Set(one.partitions.map((part) => part.partition))
    const added = (fact.partitions as WirePartition[]).filter((wire) => !known.has(wire.partition))
    return { ...one, partitions: [...one.partitions, ...added.map(fresh)] }
  })

const leaderElected: Fold = (cluster, fact) =>
  partition(cluster, fact, () => ({
    leader: fact.leader, leader_epoch: fact.leader_epoch, partition_epoch: fact.partition_epoch, isr: fact.isr,
    elr: fact.elr ?? [],
  }))

const isrChanged: Fold = (cluster, fact) =>
  partition(cluster, fact, () => ({ isr: fact.isr, partition_epoch: fact.partition_epoch, elr: fact.elr ?? [] }))

const recordsDeleted: Fold = (cluster, fact) => partition(cluster, fact, () => ({ log_start: fact.log_start_offset }))

function configChanged(cluster: Cluster, fact: Fact): Cluster {
  if (fact.resource !== 'topic') return cluster
  return topic(cluster, fact.name, (one) => {
    const configs = { ...one.configs }
    for (const [name, value] of Object.entries(fact.changes as Record<string, string | null>)) {
      if (value === null) delete configs[name]
      else configs[name] = value
    }
    return { ...one, configs }
  })
}

export const TOPIC_FOLDS: Record<string, Fold> = {
  TopicCreated: topicCreated, TopicDeleted: topicDeleted, PartitionsAdded: partitionsAdded, LeaderElected: leaderElected,
  IsrShrunk: isrChanged, IsrExpanded: isrChanged, ConfigChanged: configChanged, RecordsDeleted: recordsDeleted,
}
