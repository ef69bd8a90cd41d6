// How far a group is behind, partition by partition, and who reads what. Pure questions about a cluster.

import { partitionOf, topicOf, type Cluster, type Group, type Member } from './model.ts'

export interface Reading {
  topic: string
  partition: number
  member: Member | null
  committed: number | null
  end: number
  lag: number | null
}

/** Every partition that the group reads or has committed. */
export function readings(cluster: Cluster, group: Group): Reading[] {
  const topics = new Set(Object.keys(group.offsets))
  for (const member of group.members) {
    member.subscribed.forEach((name) => topics.add(name))
    Object.keys(member.assignment).forEach((name) => topics.add(name))
  }
  const owners = ownersOf(group)
  return [...topics].sort().flatMap((name) =>
    (topicOf(cluster, name)?.partitions ?? []).map((part) => {
      const committed = group.offsets[name]?.[part.partition] ?? null
      const member = owners.get(`${name}-${part.partition}`) ?? null
      const lag = committed === null ? null : Math.max(0, part.high_watermark - committed)
      return { topic: name, partition: part.partition, member, committed, end: part.high_watermark, lag }
    }))
}

export function ownersOf(group: Group): Map<string, Member> {
  const owners = new Map<string, Member>()
  for (const member of group.members) {
    for (const [topic, partitions] of Object.entries(member.assignment)) {
      partitions.forEach((partition) => owners.set(`${topic}-${partition}`, member))
    }
  }
  return owners
}

export function lagOf(cluster: Cluster, group: Group): number {
  let lag = 0
  for (const [topic, offsets] of Object.entries(group.offsets)) {
    for (const [partition, committed] of Object.entries(offsets)) {
      const part = partitionOf(cluster, topic, Number(partition))
      if (part) lag += Math.max(0, part.high_watermark - committed)
    }
  }
  return lag
}

export function memberLag(cluster: Cluster, group: Group, member: Member): number | null {
  let lag: number | null = null
  for (const [topic, partitions] of Object.entries(member.assignment)) {
    for (const partition of partitions) {
      const committed = group.offsets[topic]?.[partition]
      const part = partitionOf(cluster, topic, partition)
      if (committed !== undefined && part) lag = (lag ?? 0) + Math.max(0, part.high_watermark - committed)
    }
  }
  return lag
}

export const totalLag = (cluster: Cluster) => cluster.groups.reduce((sum, group) => sum + lagOf(cluster, group), 0)

/** Partitions that a group with members is subscribed to and none of its members has. */
export function unread(cluster: Cluster): string[] {
  const names = new Set<string>()
  for (const group of cluster.groups) {
    if (group.members.length === 0) continue
    const owners = ownersOf(group)
    for (const name of new Set(group.members.flatMap((member) => member.subscribed))) {
      for (const part of topicOf(cluster, name)?.partitions ?? []) {
        if (!owners.has(`${name}-${part.partition}`)) names.add(`${name}-${part.partition}`)
      }
    }
  }
  return [...names]
}

export const isRebalancing = (group: Group) => /Rebalance|Assigning|Reconciling/.test(group.state)
