// Records in flight: which dots a frame's traffic lets go, and where each is at a moment. Pure but for the list it keeps.
// Rule: dots show that something moved; the strips show what is true.

import { partitionOf, type Cluster, type Partition, type Traffic } from '../model.ts'
import { cardOf, rowOf, type MapLayout, type Row } from './layout.ts'
import { epochColor, type Color, type Point, type Rect, type Shape } from './shapes.ts'
import { tilesOf } from './tiles.ts'
import { bezier, consumeTrack, produceTrack, replicateHops } from './tracks.ts'
import { readersOf, type Stage } from './view.ts'

export type Sort = 'produce' | 'replicate' | 'consume'

interface Path { points: Point[]; lengths: number[]; total: number }

/** What is known of the records that a dot stands for; nothing is known of their keys. */
export interface Told {
  sort: Sort
  client: string | null // who sent or fetched them; null: a follower
  topic: string
  partition: number
  from: number // the leader
  to: number | null // the follower
  records: number
  bytes: number | null
  offsets: [first: number, last: number] | null
  acks: string | null
  epoch: number | null
}

interface Dot {
  sort: Sort
  path: Path
  color: Color
  start: number // in motion time
  end: number
  row: string
  told: Told
}

const DURATION: Record<Sort, number> = { produce: 700, replicate: 450, consume: 700 }
export const DOTS_MAX = 60 // of a sort; more are a stream that no eye can follow
const SPREAD_MS = 45 // between dots of one row in one frame
const DOTS_PER_ROW_FRAME = 3

/** `hops`: points in pairs; between pairs the dot is behind a card and takes no time. */
export function measure(points: Point[], hops = false): Path {
  const lengths = [0]
  for (let i = 1; i < points.length; i++) {
    const step = Math.hypot(points[i]![0] - points[i - 1]![0], points[i]![1] - points[i - 1]![1])
    lengths.push(lengths[i - 1]! + (hops && i % 2 === 0 ? 0 : step))
  }
  return { points, lengths, total: lengths.at(-1) ?? 0 }
}

export function at(path: Path, part: number): Point {
  const distance = part * path.total
  let i = 1
  while (i < path.lengths.length - 1 && path.lengths[i]! < distance) i++
  const [a, b] = [path.points[i - 1]!, path.points[i] ?? path.points[i - 1]!]
  const length = (path.lengths[i] ?? 0) - path.lengths[i - 1]! || 1
  const t = Math.min(1, Math.max(0, (distance - path.lengths[i - 1]!) / length))
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t]
}

/** How many records one dot stands for, from the busiest row's rate: 1, 10, 100 … */
export function perDot(rowRate: number): number {
  let n = 1
  while (rowRate / n > 10) n *= 10
  return n
}

export class Flights {
  private dots: Dot[] = []
  private owed = new Map<string, number>() // records of a row that have not filled a dot yet
  per_dot = 1

  get busy() {
    return this.dots.length > 0
  }

  clear() {
    this.dots = []
  }

  /** What a frame of traffic sets off. `before` tells how far followers had come. */
  add(traffic: Traffic, before: Cluster, after: Cluster, stage: Stage, now: number) {
    for (const [client, topic, partition, records, bytes] of traffic.appended ?? []) {
      const ground = groundOf(after, stage.layout, topic, partition)
      const card = stage.producers.find((one) => one.clients.some((each) => each.client_id === client || each.name === client)) ?? stage.producers.find((one) => one.topics.includes(topic))
      if (!ground || !card) continue
      const offsets = appendedOffsets(traffic, before, ground, records)
      const told: Told = { ...tellOf('produce', ground, records, bytes), client, offsets, acks: acksOf(after, client), epoch: null }
      this.release(told, 'record', () => produceWay(after, stage.layout, ground, card), now)
    }
    for (const [topic, partitions] of Object.entries(traffic.offsets ?? {})) {
      for (const [partition, logs] of Object.entries(partitions)) this.replicate(topic, Number(partition), logs, before, after, stage.layout, now)
    }
    for (const [client, topic, partition, records, bytes] of traffic.fetched ?? []) {
      const ground = groundOf(after, stage.layout, topic, partition)
      if (!ground) continue
      const seat = stage.groups.flatMap((group) => group.members).find((one) => one.member?.client_id === client || one.client?.client_id === client)
      const target = seat ?? readersOf(after, stage.groups, { topic, partition })[0]
      const color = epochColor(ground.part.leader_epoch)
      if (target) this.release({ ...tellOf('consume', ground, records, bytes), client }, color, () => consumeWay(after, stage.layout, ground, target), now)
    }
  }

  private replicate(topic: string, partition: number, logs: Record<string, [number, number, number]>, before: Cluster, after: Cluster, layout: MapLayout, now: number) {
    const was = partitionOf(before, topic, partition)
    const ground = groundOf(after, layout, topic, partition)
    if (!was || !ground) return
    for (const [id, [end]] of Object.entries(logs)) {
      const broker = Number(id)
      const first = was.logs[id]?.end ?? end
      const moved = end - first
      if (broker === ground.part.leader || moved <= 0) continue
      const color = epochColor(ground.part.leader_epoch)
      const told: Told = { ...tellOf('replicate', ground, moved, null), to: broker, offsets: [first, end - 1] }
      this.release(told, color, () => replicateWay(after, layout, ground, broker), now)
    }
  }

  private release(told: Told, color: Color, way: () => Point[] | null, now: number) {
    const { sort, records } = told
    const row = `${told.topic}-${told.partition}${told.to === null ? '' : `>${told.to}`}`
    const key = `${sort} ${row}`
    const owed = (this.owed.get(key) ?? 0) + records
    const dots = Math.min(DOTS_PER_ROW_FRAME, Math.floor(owed / this.per_dot))
    this.owed.set(key, dots === DOTS_PER_ROW_FRAME ? 0 : owed - dots * this.per_dot)
    if (dots === 0 || this.dots.filter((dot) => dot.sort === sort).length >= DOTS_MAX) return
    const points = way()
    if (!points) return
    const path = measure(points, sort === 'replicate' && points.length % 2 === 0)
    for (let i = 0; i < dots; i++) {
      const start = now + i * SPREAD_MS
      this.dots.push({ sort, path, color, start, end: start + DURATION[sort], row, told })
    }
  }

  /** The dot that is nearest to a point, if any is within reach. */
  near(x: number, y: number, now: number, reach: number): { x: number; y: number; told: Told } | null {
    let best: { x: number; y: number; told: Told; away: number } | null = null
    for (const dot of this.dots) {
      if (dot.start > now || dot.end <= now) continue
      const [dx, dy] = at(dot.path, (now - dot.start) / (dot.end - dot.start))
      const away = Math.hypot(dx - x, dy - y)
      if (away <= reach && (!best || away < best.away)) best = { x: dx, y: dy, told: dot.told, away }
    }
    return best
  }

  shapes(now: number, cell: number, only: string | null): Shape[] {
    this.dots = this.dots.filter((dot) => dot.end > now)
    const size = cell / 5
    return this.dots.flatMap((dot): Shape[] => {
      if (dot.start > now) return []
      const [x, y] = at(dot.path, (now - dot.start) / (dot.end - dot.start))
      const alpha = only && !dot.row.startsWith(only) ? 0.25 : 1
      if (dot.sort === 'produce') return [{ kind: 'circle', x, y, r: 3.1 * size, fill: dot.color, alpha }]
      if (dot.sort === 'replicate') return [{ kind: 'circle', x, y, r: 3 * size, fill: 'raised', stroke: dot.color, width: 1.8 * size, alpha }]
      const side = 5.4 * size
      return [{ kind: 'rect', x: x - side / 2, y: y - side / 2, w: side, h: side, fill: dot.color, alpha }]
    })
  }
}

// ---- ways: along the tracks where there are rows, straight to the tile where there are not

interface Ground { part: Partition; row: Row | null; topic: string }

function groundOf(cluster: Cluster, layout: MapLayout, topic: string, partition: number): Ground | null {
  const part = partitionOf(cluster, topic, partition)
  if (!part || part.leader < 0) return null
  const row = rowOf(layout, topic, partition) ?? null
  const tracked = layout.cards.every((card) => card.line === 0)
  if (row) return { part, row: tracked ? row : { ...row }, topic }
  return layout.blocks.some((block) => block.topic === topic) ? { part, row: null, topic } : null
}

const tracked = (layout: MapLayout) => layout.cards.every((card) => card.line === 0)

/** The middle of a replica on the map, be it strip or tile; else of its card. */
function middle(cluster: Cluster, layout: MapLayout, ground: Ground, broker: number): Point | null {
  const card = cardOf(layout, broker)
  if (!card) return null
  if (ground.row) return [card.x + card.w * 0.6, card.y + ground.row.y + ground.row.h / 2]
  const block = layout.blocks.find((one) => one.topic === ground.topic)
  const tile = block && tilesOf(layout, cluster, card, block).tiles.find((one) => one.partition === ground.part.partition)
  return tile ? [tile.x + tile.w / 2, tile.y + tile.h / 2] : [card.x + card.w / 2, card.y + (block?.y ?? 0) + layout.heading_h]
}

function produceWay(cluster: Cluster, layout: MapLayout, ground: Ground, from: Rect): Point[] | null {
  if (ground.row && tracked(layout)) return produceTrack(layout, ground.part, ground.row, from)
  const to = middle(cluster, layout, ground, ground.part.leader)
  return to && bezier([from.x + from.w, from.y + from.h / 2], to)
}

function consumeWay(cluster: Cluster, layout: MapLayout, ground: Ground, to: Rect): Point[] | null {
  if (ground.row && tracked(layout)) return consumeTrack(layout, ground.part, ground.row, to)
  const from = middle(cluster, layout, ground, ground.part.leader)
  return from && bezier(from, [to.x, to.y + to.h / 2])
}

function replicateWay(cluster: Cluster, layout: MapLayout, ground: Ground, broker: number): Point[] | null {
  if (ground.row && tracked(layout)) {
    const hops = replicateHops(layout, ground.part, ground.row, broker)
    return hops.length ? hops.flat() : null
  }
  const from = middle(cluster, layout, ground, ground.part.leader)
  const to = middle(cluster, layout, ground, broker)
  return from && to && bezier(from, to, 8) // nine points: one way, no hops
}

// ---- what is known of a dot

const tellOf = (sort: Sort, ground: Ground, records: number, bytes: number | null): Told => ({
  sort, client: null, topic: ground.topic, partition: ground.part.partition, from: ground.part.leader, to: null, records, bytes,
  offsets: null, acks: null, epoch: ground.part.leader_epoch,
})

/** The offsets that a frame's records were given: known where they are all that the leader's log has grown by. */
function appendedOffsets(traffic: Traffic, before: Cluster, ground: Ground, records: number): Told['offsets'] {
  const { topic, part } = ground
  const first = partitionOf(before, topic, part.partition)?.logs[part.leader]?.end
  const end = traffic.offsets?.[topic]?.[part.partition]?.[part.leader]?.[0]
  return first !== undefined && end !== undefined && end - first === records ? [first, end - 1] : null
}

function acksOf(cluster: Cluster, client: string): string | null {
  const acks = cluster.clients.find((one) => one.ours && one.client_id === client)?.settings.acks
  return acks === undefined || acks === null ? null : String(acks)
}
