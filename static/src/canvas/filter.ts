// Which partitions of a large cluster the map shows: by a part of their name, or only those that are broken. Pure.

import { isBroken } from './replicas.ts'
import { dataTopics, type MapLayout } from './layout.ts'
import type { Cluster } from '../model.ts'

export interface Filter {
  name: string // part of topic-partition
  broken: boolean
}

export const ALL: Filter = { name: '', broken: false }
export const filters = (filter: Filter) => filter.broken || filter.name.trim() !== ''

/** The same cluster with fewer partitions; topics without any are left out, internal ones stay as they are. */
export function filtered(cluster: Cluster, filter: Filter): Cluster {
  if (!filters(filter)) return cluster
  const name = filter.name.trim().toLowerCase()
  const topics = cluster.topics.flatMap((topic) => {
    if (topic.internal) return [topic]
    const partitions = topic.partitions.filter((part) =>
      `${topic.name}-${part.partition}`.toLowerCase().includes(name) && (!filter.broken || isBroken(cluster, part)))
    return partitions.length ? [{ ...topic, partitions }] : []
  })
  return { ...cluster, topics }
}

export const countFound = (cluster: Cluster) => dataTopics(cluster).reduce((sum, topic) => sum + topic.partitions.length, 0)

/** Too many replicas for strips: what a reader wants to see has to be searched for. */
export const isTiled = (density: MapLayout['density']) => density === 'tiles' || density === 'heat'
