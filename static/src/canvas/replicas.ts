// What one replica is right now, in one word, and how far it is behind. Read by strips, tiles, the table twin and panels.

import { brokerOf, isDark, type Cluster, type Partition } from '../model.ts'

export type Role = 'leader' | 'follower' | 'out' | 'offline' | 'none'

/** leader; follower in sync; out of the ISR; offline: its broker is gone; none: its partition has no leader. */
export function roleOf(cluster: Cluster, part: Partition, broker: number): Role {
  if (isDark(brokerOf(cluster, broker))) return 'offline'
  if (part.leader === broker) return 'leader'
  if (part.leader < 0) return 'none'
  return part.isr.includes(broker) ? 'follower' : 'out'
}

export const isBroken = (cluster: Cluster, part: Partition) =>
  part.leader < 0 || part.isr.length < part.replicas.length || part.replicas.some((id) => isDark(brokerOf(cluster, id)))

/** The end of the leader's log; without a leader the longest log that is known. */
export function endOf(part: Partition): number {
  const led = part.logs[part.leader]
  if (led) return led.end
  return Object.values(part.logs).reduce((most, log) => Math.max(most, log.end), 0)
}

export const behindOf = (part: Partition, broker: number) => Math.max(0, endOf(part) - (part.logs[broker]?.end ?? 0))

/** The epoch that a record at `offset` was written in. */
export function epochAt(part: Partition, offset: number): number {
  let epoch = part.epochs[0]?.[0] ?? part.leader_epoch
  for (const [next, start] of part.epochs) if (offset >= start) epoch = next
  return epoch
}

/** Runs of one epoch inside [from, to): what a strip draws in one colour. */
export function epochRuns(part: Partition, from: number, to: number): { epoch: number; from: number; to: number }[] {
  const runs: { epoch: number; from: number; to: number }[] = []
  if (to <= from) return runs
  const edges = part.epochs.map(([, start]) => start).filter((start) => start > from && start < to)
  for (const [i, start] of [from, ...edges].entries()) {
    const end = edges[i] ?? to
    runs.push({ epoch: epochAt(part, start), from: start, to: end })
  }
  return runs
}
