// Where everything on the map stands: cards, rows, clients. Pure numbers from the state and the size; nothing is measured.
// Rule: column = broker, row = partition, and the same row in every broker.

import type { Broker, Cluster, Topic } from '../model.ts'
import type { Rect } from './shapes.ts'

export interface Metrics {
  width: number
  height: number
  rem: number
  cell: number
  strip_leader: number
  strip_follower: number
  producers: number // width of the producers' column
  consumers: number
  gutter: number
  gap: number // between racks
}

export type Density = 'full' | 'line' | 'tiles' | 'heat'

export interface Row {
  topic: string
  partition: number
  y: number // below the top of its card
  h: number
}

export interface TopicBlock {
  topic: string
  y: number
  h: number // heading and rows, or heading and tiles
}

export interface Card extends Rect {
  broker: number
  line: number
}

export interface Band extends Rect {
  rack: string | null
}

export interface MapLayout {
  metrics: Metrics
  density: Density
  area: Rect // what the cards may fill
  bands: Band[]
  cards: Card[]
  header_h: number
  quorum_h: number
  heading_h: number
  rows: Row[]
  blocks: TopicBlock[]
  internal_y: number | null // below the card's top: the line of internal topics
  legend_y: number
}

const LINE_MAX = 5 // brokers side by side; more stand in two lines
const ROW_FULL_MIN = 29 // px: label with pips below it, tall strip, tracks above and below
const ROW_LINE_MIN = 13 // px: one line of text
const ROW_MAX_REM = 6
const REPLICAS_TILES_MAX = 120

export const dataTopics = (cluster: Cluster) => cluster.topics.filter((topic) => !topic.internal)
export const internalTopics = (cluster: Cluster) => cluster.topics.filter((topic) => topic.internal)

/** Brokers in the order of their columns: by rack, so that a rack stands together, then by number. */
export function columns(brokers: Broker[]): Broker[] {
  return [...brokers].sort((a, b) => (a.rack ?? '').localeCompare(b.rack ?? '', 'en') || a.id - b.id)
}

export function layoutMap(cluster: Cluster, metrics: Metrics): MapLayout {
  const { rem } = metrics
  const legend_h = 1.9 * rem
  const side = 1.231 * rem
  const top = 0.923 * rem
  const left = side + metrics.producers + metrics.gutter
  const area: Rect = {
    x: left, y: top, w: Math.max(120, metrics.width - left - side - metrics.consumers - metrics.gutter),
    h: Math.max(60, metrics.height - top - legend_h),
  }
  const brokers = columns(cluster.brokers)
  const lines = brokers.length > LINE_MAX ? 2 : 1
  const { cards, bands } = placeCards(brokers, area, lines, metrics)
  const header_h = (lines === 2 ? 2.7 : 3.42) * rem
  const quorum_h = 1.55 * rem
  const heading_h = (lines === 2 ? 1.25 : 1.5) * rem
  const topics = dataTopics(cluster)
  const card_h = cards[0]?.h ?? area.h
  const has_internal = internalTopics(cluster).length > 0
  const free = card_h - header_h - quorum_h - (has_internal ? heading_h : 0) - 0.3 * rem
  const count = topics.reduce((sum, topic) => sum + topic.partitions.length, 0)
  const row_h = count ? Math.min(ROW_MAX_REM * rem, (free - topics.length * heading_h) / count) : 0
  const density = densityOf(lines === 2 ? 0 : row_h, cluster, topics) // two lines of cards are too narrow for strips
  const start = header_h + quorum_h
  const { rows, blocks } = density === 'full' || density === 'line'
    ? placeRows(topics, start, heading_h, row_h)
    : { rows: [], blocks: placeBlocks(topics, start, heading_h, free, density) }
  return {
    metrics, density, area, bands, cards, header_h, quorum_h, heading_h, rows, blocks,
    internal_y: has_internal ? card_h - heading_h - 0.15 * rem : null, legend_y: metrics.height - legend_h,
  }
}

function densityOf(row_h: number, cluster: Cluster, topics: Topic[]): Density {
  if (row_h >= ROW_FULL_MIN) return 'full'
  if (row_h >= ROW_LINE_MIN) return 'line'
  const replicas = topics.reduce((sum, topic) => sum + topic.partitions.reduce((n, part) => n + part.replicas.length, 0), 0)
  return replicas / Math.max(1, cluster.brokers.length) <= REPLICAS_TILES_MAX ? 'tiles' : 'heat'
}

function placeCards(brokers: Broker[], area: Rect, lines: number, metrics: Metrics): { cards: Card[]; bands: Band[] } {
  const { rem } = metrics
  const gap = lines === 2 ? 0.55 * rem : metrics.gap
  const pad = (lines === 2 ? 0.15 : 0.308) * rem
  const label_h = 1.72 * rem
  const per_line = Math.ceil(brokers.length / lines)
  const line_gap = 0.7 * rem
  const line_h = (area.h - line_gap * (lines - 1)) / lines
  const band_w = (area.w - gap * (per_line - 1)) / Math.max(1, per_line)
  const cards: Card[] = []
  const bands: Band[] = []
  brokers.forEach((broker, i) => {
    const line = Math.floor(i / per_line)
    const x = Math.round(area.x + (i % per_line) * (band_w + gap))
    const y = Math.round(area.y + line * (line_h + line_gap))
    const w = Math.round(band_w)
    const last = bands.at(-1)
    const sameRack = last && i % per_line > 0 && last.rack === broker.rack && broker.rack !== null
    if (sameRack) last.w = x + w - last.x
    else bands.push({ rack: broker.rack, x, y, w, h: Math.round(line_h) })
    cards.push({
      broker: broker.id, line, x: Math.round(x + pad), y: Math.round(y + label_h), w: Math.round(w - 2 * pad),
      h: Math.round(line_h - label_h - pad),
    })
  })
  return { cards, bands }
}

function placeRows(topics: Topic[], start: number, heading_h: number, row_h: number): { rows: Row[]; blocks: TopicBlock[] } {
  const rows: Row[] = []
  const blocks: TopicBlock[] = []
  let y = start
  for (const topic of topics) {
    blocks.push({ topic: topic.name, y, h: heading_h + topic.partitions.length * row_h })
    y += heading_h
    for (const part of topic.partitions) {
      rows.push({ topic: topic.name, partition: part.partition, y, h: row_h })
      y += row_h
    }
  }
  return { rows, blocks }
}

/** Tiles need a block per topic; its height follows how many partitions it has. */
function placeBlocks(topics: Topic[], start: number, heading_h: number, free: number, density: Density): TopicBlock[] {
  const count = topics.reduce((sum, topic) => sum + topic.partitions.length, 0)
  const inside = Math.max(0, free - topics.length * heading_h)
  let y = start
  return topics.map((topic) => {
    const share = density === 'heat' ? 1 / topics.length : topic.partitions.length / Math.max(1, count)
    const block = { topic: topic.name, y, h: heading_h + inside * share }
    y += block.h
    return block
  })
}

export const cardOf = (layout: MapLayout, broker: number) => layout.cards.find((card) => card.broker === broker)
export const rowOf = (layout: MapLayout, topic: string, partition: number) =>
  layout.rows.find((row) => row.partition === partition && row.topic === topic)

export interface Strip extends Rect {
  middle: number
}

const LABEL_REM = 4.3 // "p12 e10" and the pips below it

/** The part of a row in one card where records are drawn. */
export function stripOf(layout: MapLayout, card: Card, row: Row): Strip {
  const { rem } = layout.metrics
  const left = card.x + 0.923 * rem + LABEL_REM * rem
  const right = card.x + card.w - 0.615 * rem
  return { x: Math.round(left), y: card.y + row.y, w: Math.max(20, right - left), h: row.h, middle: Math.round(card.y + row.y + row.h / 2) }
}
