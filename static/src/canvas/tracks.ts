// The fixed ways that records take: above the strip in, through the gap to followers, below the strip out. Pure.

import { answers, brokerOf, type Cluster, type Partition } from '../model.ts'
import { cardOf, stripOf, type MapLayout, type Row } from './layout.ts'
import type { Point, Rect } from './shapes.ts'
import { offsetWindow } from './strip.ts'
import { isCutBetween } from '../troubles.ts'

export const leaderHeight = (layout: MapLayout, row_h: number) =>
  Math.round(Math.max(4, Math.min(layout.metrics.strip_leader * 1.25, row_h * 0.5, Math.max(layout.metrics.strip_leader, row_h * 0.34))))
export const followerHeight = (layout: MapLayout, row_h: number) =>
  Math.round(Math.max(3, Math.min(layout.metrics.strip_follower * 1.25, row_h * 0.4, Math.max(layout.metrics.strip_follower, row_h * 0.16))))

/** The room between a strip and its tracks shrinks with the row. */
const LABEL_AIR = 4.5 // px: a dot's radius and a little
const above = (row_h: number) => Math.min(6.5, row_h * 0.16)
const below = (row_h: number) => Math.min(8.5, row_h * 0.18)

export function bezier(a: Point, b: Point, steps = 14): Point[] {
  const middle = (a[0] + b[0]) / 2
  return Array.from({ length: steps + 1 }, (_, i): Point => {
    const t = i / steps
    const u = 1 - t
    return [
      u * u * u * a[0] + 3 * u * u * t * middle + 3 * u * t * t * middle + t * t * t * b[0],
      u * u * u * a[1] + 3 * u * u * t * a[1] + 3 * u * t * t * b[1] + t * t * t * b[1],
    ]
  })
}

const rightMiddle = (rect: Rect): Point => [rect.x + rect.w, Math.round(rect.y + rect.h / 2) + 0.5]
const leftMiddle = (rect: Rect): Point => [rect.x, Math.round(rect.y + rect.h / 2) + 0.5]

function leaderStrip(layout: MapLayout, part: Partition, row: Row) {
  const card = cardOf(layout, part.leader)
  if (!card) return null
  const strip = stripOf(layout, card, row)
  return { strip, window: offsetWindow(part, strip, layout.metrics.cell), h: leaderHeight(layout, row.h) }
}

/** From a producer's card over the strips to the log end of the leader. */
export function produceTrack(layout: MapLayout, part: Partition, row: Row, from: Rect): Point[] | null {
  const leader = leaderStrip(layout, part, row)
  const first = layout.cards[0]
  if (!leader || !first) return null
  const top = leader.strip.middle - leader.h / 2
  // Over the strip, and over the label that stands before it, where there is room.
  const label = Math.min(row.h * 0.46, 1.12 * layout.metrics.rem + LABEL_AIR)
  const y = Math.round(leader.strip.middle - Math.max(leader.h / 2 + above(row.h), label)) + 0.5
  const x = leader.window.x(part.logs[part.leader]?.end ?? 0) + layout.metrics.cell / 2
  return [...bezier(rightMiddle(from), [first.x, y]), [x, y], [x, top]]
}

/** From the high watermark of the leader below the strips to a reader's card; to the edge where nobody reads. */
export function consumeTrack(layout: MapLayout, part: Partition, row: Row, to: Rect | null): Point[] | null {
  const leader = leaderStrip(layout, part, row)
  const last = layout.cards.at(-1)
  if (!leader || !last) return null
  const bottom = leader.strip.middle + leader.h / 2
  const y = Math.round(bottom + below(row.h)) + 0.5
  const x = leader.window.x(part.high_watermark) - 2
  const edge = last.x + last.w
  const start: Point[] = [[x, bottom], [x, y]]
  return to ? [...start, [edge, y], ...bezier([edge, y], leftMiddle(to))] : [...start, [edge + 6, y]]
}

export interface GapWire {
  points: [Point, Point]
  chevron: Point[]
  cut: boolean // its brokers cannot reach each other: a bar where the chevron was
}

/** The wires of one row through the gaps between cards, each pointing away from the leader. */
export function gapWires(layout: MapLayout, cluster: Cluster, part: Partition, row: Row): GapWire[] {
  const order = layout.cards.map((card) => card.broker)
  const leader = order.indexOf(part.leader)
  if (leader < 0 || !answers(brokerOf(cluster, part.leader))) return []
  const wires: GapWire[] = []
  for (let gap = 0; gap < order.length - 1; gap++) {
    const [a, b] = [layout.cards[gap]!, layout.cards[gap + 1]!]
    const outward = leader <= gap ? 1 : -1
    const targets = part.replicas.filter((id) => {
      const at = order.indexOf(id)
      return outward > 0 ? at > gap : at >= 0 && at <= gap
    })
    const alive = targets.filter((id) => answers(brokerOf(cluster, id)))
    if (alive.length === 0) continue
    const cut = alive.every((id) => isCutBetween(cluster, part.leader, id))
    const y = Math.round(a.y + row.y + row.h / 2) + 0.5
    const [x0, x1] = [a.x + a.w + 3, b.x - 3]
    const middle = (x0 + x1) / 2
    wires.push({
      points: [[x0, y], [x1, y]], cut,
      chevron: cut ? [[middle, y - 5], [middle, y + 5]] : [[middle - 2.5 * outward, y - 3.5], [middle + 1.5 * outward, y], [middle - 2.5 * outward, y + 3.5]],
    })
  }
  return wires
}

/** The way of a replicated record: it is seen in the gaps, and hides behind the cards between them. */
export function replicateHops(layout: MapLayout, part: Partition, row: Row, to: number): [Point, Point][] {
  const order = layout.cards.map((card) => card.broker)
  const [from, target] = [order.indexOf(part.leader), order.indexOf(to)]
  if (from < 0 || target < 0) return []
  const step = target > from ? 1 : -1
  const hops: [Point, Point][] = []
  for (let i = from; i !== target; i += step) {
    const [a, b] = [layout.cards[i]!, layout.cards[i + step]!]
    const y = Math.round(a.y + row.y + row.h / 2) + 0.5
    hops.push(step > 0 ? [[a.x + a.w, y], [b.x, y]] : [[a.x, y], [b.x + b.w, y]])
  }
  return hops
}
