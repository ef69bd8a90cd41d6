// Folds one frame's traffic into a snapshot: offsets, sizes, epochs, heartbeats, reports. Pure, shares what did not change.
// Rule: copies a topic's partitions once a frame, because frames come twenty times a second and topics may be large.

import type { Cluster, Partition, ReplicaLog, Snapshot, Topic, Traffic } from './model.ts'

type ByPartition<T> = Record<string, Record<string, T>>

export function applyTraffic(snapshot: Snapshot, traffic: Traffic): Snapshot {
  const cluster = snapshot.clusters[0]
  if (!cluster) return snapshot
  let next = moveLogs(cluster, traffic)
  if (traffic.heartbeats || traffic.log_bytes) next = moveBrokers(next, traffic)
  if (traffic.quorum) next = moveQuorum(next, traffic.quorum)
  if (traffic.committed?.length) next = commit(next, traffic.committed)
  if (traffic.reports) {
    const reports = traffic.reports
    next = {
      ...next,
      clients: next.clients.map((one) => (one.ours && reports[one.name] ? { ...one, report: reports[one.name]! } : one)),
    }
  }
  return next === cluster ? snapshot : { ...snapshot, clusters: [next, ...snapshot.clusters.slice(1)] }
}

function moveLogs(cluster: Cluster, traffic: Traffic): Cluster {
  const tables = [traffic.offsets, traffic.epochs, traffic.sizes, traffic.segments].filter(Boolean) as ByPartition<unknown>[]
  const touched = new Set(tables.flatMap((table) => Object.keys(table)))
  if (touched.size === 0) return cluster
  return { ...cluster, topics: cluster.topics.map((topic) => (touched.has(topic.name) ? moveTopic(topic, traffic) : topic)) }
}

function moveTopic(topic: Topic, traffic: Traffic): Topic {
  const offsets = traffic.offsets?.[topic.name] ?? {}
  const epochs = traffic.epochs?.[topic.name] ?? {}
  const sizes = traffic.sizes?.[topic.name] ?? {}
  const segments = traffic.segments?.[topic.name] ?? {}
  const partitions = topic.partitions.map((partition) => {
    const key = String(partition.partition)
    if (!(offsets[key] || epochs[key] || sizes[key] || segments[key])) return partition
    return movePartition(partition, offsets[key], epochs[key], sizes[key], segments[key])
  })
  return { ...topic, partitions }
}

const BLANK: ReplicaLog = { end: 0, hw: 0, start: 0, size: 0, segments: [] }

function movePartition(
  partition: Partition,
  offsets: Record<string, [number, number, number]> = {},
  epochs: [number, number][] = partition.epochs,
  sizes: Record<string, number> = {},
  segments: Record<string, [number, number][]> = {},
): Partition {
  const logs = { ...partition.logs }
  for (const [id, [end, hw, start]] of Object.entries(offsets)) logs[id] = { ...(logs[id] ?? BLANK), end, hw, start }
  for (const [id, size] of Object.entries(sizes)) logs[id] = { ...(logs[id] ?? BLANK), size }
  for (const [id, list] of Object.entries(segments)) logs[id] = { ...(logs[id] ?? BLANK), segments: list }
  const lead = offsets[String(partition.leader)]
  return {
    ...partition, logs, epochs,
    high_watermark: lead ? lead[1] : partition.high_watermark,
    log_start: lead ? lead[2] : partition.log_start,
  }
}

function moveBrokers(cluster: Cluster, traffic: Traffic): Cluster {
  const brokers = cluster.brokers.map((broker) => {
    const heartbeat_ms = traffic.heartbeats?.[broker.id] ?? broker.heartbeat_ms
    const log_bytes = traffic.log_bytes?.[broker.id] ?? broker.log_bytes
    const same = heartbeat_ms === broker.heartbeat_ms && log_bytes === broker.log_bytes
    return same ? broker : { ...broker, heartbeat_ms, log_bytes }
  })
  return { ...cluster, brokers }
}

function moveQuorum(cluster: Cluster, moved: NonNullable<Traffic['quorum']>): Cluster {
  const ends = moved.ends ?? {}
  const follow = (nodes: Cluster['quorum']['voters']) =>
    nodes.map((node) => (ends[node.id] === undefined ? node : { ...node, log_end_offset: ends[node.id]! }))
  const quorum = {
    ...cluster.quorum,
    high_watermark: moved.high_watermark ?? cluster.quorum.high_watermark,
    voters: follow(cluster.quorum.voters),
    observers: follow(cluster.quorum.observers),
  }
  return { ...cluster, quorum }
}

function commit(cluster: Cluster, committed: NonNullable<Traffic['committed']>): Cluster {
  const groups = cluster.groups.map((group) => {
    const mine = committed.filter(([name]) => name === group.name)
    if (mine.length === 0) return group
    const offsets = { ...group.offsets }
    for (const [, topic, partition, offset] of mine) {
      const { [partition]: _, ...others } = offsets[topic] ?? {}
      offsets[topic] = offset >= 0 ? { ...others, [partition]: offset } : others // below zero: the commit was deleted
      if (Object.keys(offsets[topic]).length === 0) delete offsets[topic]
    }
    return { ...group, offsets }
  })
  return { ...cluster, groups }
}
