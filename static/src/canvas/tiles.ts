// Many replicas: a tile each, in a block per topic; beyond that only the broken ones singly and the rest as a count. Pure.

import type { Cluster, Partition, Topic } from '../model.ts'
import { text } from '../text/text.ts'
import { dataTopics, type Card, type MapLayout, type TopicBlock } from './layout.ts'
import { isBroken, roleOf, type Role } from './replicas.ts'
import { epochColor, type Rect, type Shape } from './shapes.ts'

export interface Tile extends Rect {
  topic: string
  partition: number
  role: Role
  epoch: number
  alarmed: boolean
}

const PITCH = 10 // px: an 8 px tile and its air
const PITCH_MIN = 5
const PITCH_ROOMY = 24 // few partitions: their number stands in the tile

interface Held { part: Partition; role: Role; broken: boolean }

function heldBy(cluster: Cluster, topic: Topic, broker: number): Held[] {
  return topic.partitions
    .filter((part) => part.replicas.includes(broker))
    .map((part) => ({ part, role: roleOf(cluster, part, broker), broken: isBroken(cluster, part) }))
}

export interface BlockTiles {
  tiles: Tile[]
  fine: number // healthy ones that are only counted
  shape: string
}

/** The tiles of one topic in one broker. The same partition order in every broker; in a heat row the broken ones first. */
export function tilesOf(layout: MapLayout, cluster: Cluster, card: Card, block: TopicBlock): BlockTiles {
  const topic = cluster.topics.find((one) => one.name === block.topic)
  if (!topic) return { tiles: [], fine: 0, shape: '' }
  const held = heldBy(cluster, topic, card.broker)
  const shape = text.map.shape(topic.partitions.length, topic.partitions[0]?.replicas.length ?? 0)
  const area: Rect = {
    x: card.x + 0.923 * layout.metrics.rem, y: card.y + block.y + layout.heading_h,
    w: card.w - 1.85 * layout.metrics.rem, h: Math.max(6, block.h - layout.heading_h - 3),
  }
  if (layout.density === 'tiles') {
    // With room, each partition has its place in every broker, and the place of one that is elsewhere stays empty.
    const slots = fitPitch(topic.partitions.length, area)
    const places = slots >= PITCH ? held.map((one) => topic.partitions.indexOf(one.part)) : undefined
    return { tiles: grid(held, area, topic.name, places ? slots : fitPitch(held.length, area), places), fine: 0, shape }
  }
  const broken = held.filter((one) => one.broken)
  const pitch = Math.max(PITCH, fitPitch(held.length, area))
  const room = Math.floor(area.w / pitch) * Math.max(1, Math.floor(area.h / pitch)) - (pitch > PITCH ? 0 : 1)
  const order = [...broken, ...held.filter((one) => !one.broken)]
  const shown = order.slice(0, Math.max(broken.length ? Math.min(broken.length, room) : 0, Math.min(order.length, room)))
  return { tiles: grid(shown, area, topic.name, pitch), fine: held.length - broken.length, shape }
}

function fitPitch(count: number, area: Rect): number {
  for (let pitch = PITCH_ROOMY; pitch > PITCH_MIN; pitch--) {
    if (Math.floor(area.w / pitch) * Math.floor(area.h / pitch) >= count) return pitch
  }
  return PITCH_MIN
}

function grid(held: Held[], area: Rect, topic: string, pitch: number, places?: number[]): Tile[] {
  const across = Math.max(1, Math.floor(area.w / pitch))
  const size = pitch - 2
  return held.map(({ part, role, broken }, i) => ({
    x: Math.round(area.x + ((places?.[i] ?? i) % across) * pitch), y: Math.round(area.y + Math.floor((places?.[i] ?? i) / across) * pitch), w: size, h: size,
    topic, partition: part.partition, role, epoch: part.leader_epoch, alarmed: broken,
  }))
}

const NUMBER_MIN = 18

/** Leader: full square. Follower: small pale one. Broken: framed, never by colour alone. */
export function tileShapes(tile: Tile, alpha: number): Shape[] {
  const { x, y, w, h } = tile
  const color = epochColor(tile.epoch)
  if (tile.role === 'offline') {
    return [
      { kind: 'rect', x: x + 0.5, y: y + 0.5, w: w - 1, h: h - 1, stroke: 'text-3', alpha },
      { kind: 'path', points: [[x, y + h], [x + w, y]], stroke: 'text-3', alpha },
    ]
  }
  if (tile.role === 'none') {
    return [
      { kind: 'rect', x: x + 0.5, y: y + 0.5, w: w - 1, h: h - 1, stroke: 'bad', width: 1.5, alpha },
      { kind: 'path', points: [[x, y + h], [x + w, y]], stroke: 'bad', alpha },
    ]
  }
  if (tile.role === 'leader') {
    const full: Shape[] = [{ kind: 'rect', x, y, w, h, fill: color, alpha }]
    if (w >= NUMBER_MIN) full.push({ kind: 'text', x: x + w / 2, y: y + h / 2, text: String(tile.partition), size: 'xs', color: 'epoch-ink', align: 'center', alpha })
    // A leader that misses copies keeps its colour and gets a red foot.
    return tile.alarmed ? [...full, { kind: 'rect', x, y: y + h - 2, w, h: 2, fill: 'bad', alpha }] : full
  }
  const inset = Math.max(1, Math.round(w / 4))
  const small: Shape = { kind: 'rect', x: x + inset, y: y + inset, w: w - 2 * inset, h: h - 2 * inset, fill: color, alpha: alpha * 0.55 }
  if (tile.role === 'out') return [small, { kind: 'rect', x: x + 0.5, y: y + 0.5, w: w - 1, h: h - 1, stroke: 'warn', dash: [2, 2], alpha }]
  return [small]
}

/** The one line that all internal topics share. */
export function internalTiles(layout: MapLayout, cluster: Cluster, card: Card): Tile[] {
  if (layout.internal_y === null) return []
  const { rem } = layout.metrics
  const held = cluster.topics.filter((topic) => topic.internal).flatMap((topic) =>
    heldBy(cluster, topic, card.broker).map((one) => ({ ...one, topic: topic.name })))
  const x = card.x + 0.923 * rem + 5.6 * rem
  const width = card.x + card.w - 0.7 * rem - x
  const pitch = Math.max(3, Math.min(8, Math.floor(width / Math.max(1, held.length))))
  const size = Math.max(2, pitch - 2)
  const y = card.y + layout.internal_y + layout.heading_h / 2 - size / 2
  return held.slice(0, Math.floor(width / pitch)).map(({ part, role, broken, topic }, i) => ({
    x: Math.round(x + i * pitch), y: Math.round(y), w: size, h: size, topic, partition: part.partition, role, epoch: part.leader_epoch, alarmed: broken,
  }))
}

export const countReplicas = (cluster: Cluster, broker: number, internal: boolean) =>
  cluster.topics.filter((topic) => topic.internal === internal)
    .reduce((sum, topic) => sum + topic.partitions.filter((part) => part.replicas.includes(broker)).length, 0)

export const countLeaders = (cluster: Cluster, broker: number) =>
  dataTopics(cluster).reduce((sum, topic) => sum + topic.partitions.filter((part) => part.leader === broker).length, 0)
