// What lies under a point of the map, and what lies next to the cursor. Pure.

import type { Cluster } from '../model.ts'
import { cardOf, rowOf, type MapLayout } from './layout.ts'
import { contains } from './shapes.ts'
import { internalTiles, tilesOf } from './tiles.ts'

export type Hit =
  | { kind: 'replica'; topic: string; partition: number; broker: number }
  | { kind: 'topic'; topic: string; broker: number }
  | { kind: 'broker'; broker: number }

export function hit(layout: MapLayout, cluster: Cluster, x: number, y: number): Hit | null {
  const card = layout.cards.find((one) => contains(one, x, y))
  if (!card) return rowHit(layout, y)
  const inside = y - card.y
  if (inside < layout.header_h + layout.quorum_h) return { kind: 'broker', broker: card.broker }
  const row = layout.rows.find((one) => inside >= one.y && inside < one.y + one.h)
  if (row) return { kind: 'replica', topic: row.topic, partition: row.partition, broker: card.broker }
  const block = layout.blocks.find((one) => inside >= one.y && inside < one.y + one.h)
  if (block) {
    if (inside < block.y + layout.heading_h) return { kind: 'topic', topic: block.topic, broker: card.broker }
    const tile = tilesOf(layout, cluster, card, block).tiles.find((one) => contains({ x: one.x - 1, y: one.y - 1, w: one.w + 2, h: one.h + 2 }, x, y))
    return tile ? { kind: 'replica', topic: tile.topic, partition: tile.partition, broker: card.broker } : { kind: 'topic', topic: block.topic, broker: card.broker }
  }
  const tile = internalTiles(layout, cluster, card).find((one) => contains({ x: one.x - 1, y: one.y - 4, w: one.w + 2, h: one.h + 8 }, x, y))
  return tile ? { kind: 'replica', topic: tile.topic, partition: tile.partition, broker: card.broker } : { kind: 'broker', broker: card.broker }
}

/** Between the cards the wires belong to their row: the card of the first column lends its heights. */
function rowHit(layout: MapLayout, y: number): Hit | null {
  const card = layout.cards[0]
  if (!card || layout.cards.some((one) => one.line > 0)) return null
  const row = layout.rows.find((one) => y - card.y >= one.y && y - card.y < one.y + one.h)
  return row ? { kind: 'replica', topic: row.topic, partition: row.partition, broker: card.broker } : null
}

export interface Cursor {
  broker: number
  row: number // -1: the broker's header
}

/** The rows that the arrows walk: all data partitions in the order of the map. */
export const walk = (cluster: Cluster) =>
  cluster.topics.filter((topic) => !topic.internal).flatMap((topic) => topic.partitions.map((part) => ({ topic: topic.name, partition: part.partition })))

export function move(layout: MapLayout, cluster: Cluster, cursor: Cursor | null, key: string): Cursor | null {
  const order = layout.cards.map((card) => card.broker)
  if (order.length === 0) return null
  if (!cursor) return { broker: order[0]!, row: -1 }
  const column = Math.max(0, order.indexOf(cursor.broker))
  const last = walk(cluster).length - 1
  switch (key) {
    case 'ArrowLeft': return { ...cursor, broker: order[Math.max(0, column - 1)]! }
    case 'ArrowRight': return { ...cursor, broker: order[Math.min(order.length - 1, column + 1)]! }
    case 'ArrowUp': return { ...cursor, row: Math.max(-1, cursor.row - 1) }
    case 'ArrowDown': return { ...cursor, row: Math.min(last, cursor.row + 1) }
    case 'Home': return { ...cursor, row: -1 }
    case 'End': return { ...cursor, row: last }
    default: return cursor
  }
}

/** The middle of what the cursor stands on; null: it is not on the map. */
export function placeOf(layout: MapLayout, cluster: Cluster, cursor: Cursor): { x: number; y: number } | null {
  const card = cardOf(layout, cursor.broker)
  if (!card) return null
  const at = walk(cluster)[cursor.row]
  if (!at) return { x: card.x + card.w / 2, y: card.y + layout.header_h / 2 }
  const row = rowOf(layout, at.topic, at.partition)
  if (row) return { x: card.x + card.w / 3, y: card.y + row.y + row.h / 2 }
  const block = layout.blocks.find((one) => one.topic === at.topic)
  const tile = block && tilesOf(layout, cluster, card, block).tiles.find((one) => one.partition === at.partition)
  if (tile) return { x: tile.x + tile.w / 2, y: tile.y + tile.h / 2 }
  return { x: card.x + card.w / 2, y: card.y + (block?.y ?? layout.header_h) + layout.heading_h }
}
