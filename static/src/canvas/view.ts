// The picture that stands still between two frames: strips or tiles, labels, wires. Pure: state and places in, shapes out.

import { ownersOf, unread } from '../lag.ts'
import { answers, brokerOf, isDark, partitionOf, type Cluster, type Partition } from '../model.ts'
import { text } from '../text/text.ts'
import type { ClientCard, GroupCard } from './clients.ts'
import { stripOf, type Card, type MapLayout, type Row } from './layout.ts'
import { roleOf } from './replicas.ts'
import { epochColor, type Rect, type Shape } from './shapes.ts'
import { stripShapes } from './strip.ts'
import { countReplicas, internalTiles, tileShapes, tilesOf } from './tiles.ts'
import { consumeTrack, followerHeight, gapWires, leaderHeight, produceTrack } from './tracks.ts'

export interface Stage {
  layout: MapLayout
  producers: ClientCard[]
  groups: GroupCard[]
}

export interface Focus {
  hovered: { topic: string; partition: number } | null
  selected: { topic: string; partition: number; broker: number | null } | null
  only: { topic: string; partition: number } | null // the rest stands back: somebody asked why
  searched?: boolean // the cluster is only what a search has found
}

export interface View {
  holes: Rect[] // dead cards: wires are cut at their edge
  under: Shape[]
  wires: Shape[]
  marks: Shape[]
}

const DIMMED = 0.28

export function viewMap(cluster: Cluster, stage: Stage, focus: Focus): View {
  const { layout } = stage
  const holes = layout.cards.filter((card) => isDark(brokerOf(cluster, card.broker)))
  const view: View = { holes, under: [], wires: [], marks: [] }
  if (layout.density === 'full' || layout.density === 'line') {
    const orphans = new Set(unread(cluster))
    for (const row of layout.rows) drawRow(view, cluster, stage, row, focus, orphans)
  } else drawTiles(view, cluster, layout, focus)
  for (const card of layout.cards) {
    drawHeadings(view, cluster, layout, card, focus)
    drawQuorum(view, cluster, layout, card, focus)
  }
  return view
}

const same = (a: { topic: string; partition: number } | null, b: { topic: string; partition: number }) =>
  a !== null && a.topic === b.topic && a.partition === b.partition
const alphaOf = (focus: Focus, row: { topic: string; partition: number }) => (focus.only && !same(focus.only, row) ? DIMMED : 1)

// ---- rows

function drawRow(view: View, cluster: Cluster, stage: Stage, row: Row, focus: Focus, orphans: Set<string>) {
  const { layout } = stage
  const part = partitionOf(cluster, row.topic, row.partition)
  if (!part) return
  const alpha = alphaOf(focus, row)
  const lit = same(focus.hovered, row)
  if (layout.cards.every((card) => card.line === 0)) {
    if (answers(brokerOf(cluster, part.leader))) drawTracks(view, cluster, stage, row, part, { alpha, lit, orphan: orphans.has(`${row.topic}-${row.partition}`) })
    for (const wire of gapWires(layout, cluster, part, row)) {
      const stroke = wire.cut ? 'warn' : lit ? 'text-3' : 'wire'
      view.wires.push({ kind: 'path', points: wire.points, stroke, alpha, ...(wire.cut ? { dash: [3, 3] } : {}) })
      view.wires.push({ kind: 'path', points: wire.chevron, stroke: wire.cut ? 'warn' : 'text-3', width: wire.cut ? 2 : 1.3, alpha })
    }
  }
  const look = { cell: layout.metrics.cell, leader_h: leaderHeight(layout, row.h), follower_h: followerHeight(layout, row.h), alpha }
  for (const card of layout.cards) {
    drawGround(view, card, row, focus, lit)
    if (!part.replicas.includes(card.broker)) continue
    const role = roleOf(cluster, part, card.broker)
    view.marks.push(...stripShapes(part, card.broker, role, stripOf(layout, card, row), look))
    view.marks.push(...labels(cluster, layout, part, card, row, role, alpha))
  }
}

function drawGround(view: View, card: Card, row: Row, focus: Focus, lit: boolean) {
  const ground: Rect = { x: card.x + 1, y: card.y + row.y, w: card.w - 2, h: row.h }
  if (same(focus.selected, row)) {
    view.under.push({ kind: 'rect', ...ground, fill: 'accent-soft' }, { kind: 'rect', ...ground, w: 3, fill: 'accent' })
    const cursor = focus.selected!.broker === card.broker
    if (cursor) view.under.push({ kind: 'rect', x: ground.x + 1, y: ground.y + 1, w: ground.w - 2, h: ground.h - 2, stroke: 'accent', width: 1.5, radius: 3 })
  } else if (lit) view.under.push({ kind: 'rect', ...ground, fill: 'accent', alpha: 0.11 })
}

interface TrackLook { alpha: number; lit: boolean; orphan: boolean }

function drawTracks(view: View, cluster: Cluster, stage: Stage, row: Row, part: Partition, look: TrackLook) {
  const { layout } = stage
  const stroke = look.lit ? 'text-3' : 'wire'
  const width = look.lit ? 1.6 : 1
  for (const card of stage.producers.filter((one) => one.topics.includes(row.topic))) {
    const points = produceTrack(layout, part, row, card)
    if (points) view.wires.push({ kind: 'path', points, stroke, width, alpha: look.alpha })
  }
  for (const target of readersOf(cluster, stage.groups, row)) {
    const points = consumeTrack(layout, part, row, target)
    if (points) view.wires.push({ kind: 'path', points, stroke, width, alpha: look.alpha })
  }
  if (look.orphan) drawOrphan(view, layout, row, part, look.alpha)
}

/** The cards of the members that read a row. */
export function readersOf(cluster: Cluster, groups: GroupCard[], row: { topic: string; partition: number }): Rect[] {
  return groups.flatMap((card): Rect[] => {
    if (!card.group) return card.members.filter((seat) => seat.client && !seat.client.ours)
    const owner = ownersOf(card.group).get(`${row.topic}-${row.partition}`)
    if (!owner) return []
    const seat = card.members.find((one) => one.member?.id === owner.id)
    return [seat ?? { x: card.x, y: card.y, w: card.w, h: Math.min(card.h, 30) }]
  })
}

function drawOrphan(view: View, layout: MapLayout, row: Row, part: Partition, alpha: number) {
  const points = consumeTrack(layout, part, row, null)
  const end = points?.at(-1)
  if (!points || !end) return
  view.wires.push({ kind: 'path', points, stroke: 'warn', dash: [3, 3], alpha })
  view.wires.push({ kind: 'path', points: [[end[0], end[1] - 5], [end[0], end[1] + 5]], stroke: 'warn', width: 2, alpha })
  const last = layout.cards.at(-1)!
  view.marks.push({ kind: 'text', x: last.x + last.w - 8, y: end[1] + 0.62 * layout.metrics.rem, text: text.map.nobody, size: 'xs', color: 'warn', align: 'right', alpha })
}

function labels(cluster: Cluster, layout: MapLayout, part: Partition, card: Card, row: Row, role: string, alpha: number): Shape[] {
  const { rem } = layout.metrics
  const x = card.x + 0.923 * rem
  const middle = Math.round(card.y + row.y + row.h / 2)
  const two = layout.density === 'full'
  const leads = role === 'leader'
  const below = two && (leads || role === 'offline' || role === 'none' || role === 'out')
  const y = below ? middle - 0.56 * rem : middle
  const name = `p${part.partition}`
  const shapes: Shape[] = [{ kind: 'text', x, y, text: name, size: 's', color: leads ? 'text' : 'text-3', bold: leads, alpha }]
  if (leads) shapes.push(...badge(part, x + (name.length * 0.52 + 0.62) * rem, y, rem, alpha))
  if (!below) {
    if (leads && part.isr.length < part.replicas.length) shapes.push({ kind: 'text', x: x + 4.1 * rem, y, text: `${part.isr.length}/${part.replicas.length}`, size: 'xs', color: 'bad', bold: true, align: 'right', alpha })
    return shapes
  }
  const y2 = middle + 0.6 * rem
  if (leads) return [...shapes, ...pips(cluster, part, x, y2, rem, alpha)]
  if (role === 'out') {
    const late = (part.logs[part.leader]?.end ?? 0) - (part.logs[card.broker]?.end ?? 0)
    return [...shapes, { kind: 'text', x, y: y2, text: late > 0 ? `−${late}` : text.roles.out!, size: 'xs', color: 'warn', alpha }]
  }
  return [...shapes, { kind: 'text', x, y: y2, text: text.map.offline, size: 'xs', color: role === 'none' ? 'bad' : 'text-3', alpha }]
}

function badge(part: Partition, x: number, y: number, rem: number, alpha: number): Shape[] {
  const label = `e${part.leader_epoch}`
  const w = (label.length * 0.5 + 0.42) * rem
  return [
    { kind: 'rect', x, y: Math.round(y - 0.56 * rem), w, h: Math.round(1.12 * rem), radius: 2, fill: epochColor(part.leader_epoch), alpha },
    { kind: 'text', x: x + w / 2, y: y + 0.5, text: label, size: 'xs', color: 'epoch-ink', bold: true, align: 'center', alpha },
  ]
}

/** ISR pips in assignment order: the first is the preferred leader, bright the leader, hollow red what is missing. */
function pips(cluster: Cluster, part: Partition, x: number, y: number, rem: number, alpha: number): Shape[] {
  const r = 0.25 * rem
  const shapes = part.replicas.slice(0, 5).map((id, i): Shape => {
    const at = { kind: 'circle' as const, x: x + r + i * (2 * r + 2), y, alpha }
    if (!part.isr.includes(id)) return { ...at, r: r - 0.75, stroke: 'bad', width: 1.5 }
    return { ...at, r, fill: id === part.leader ? 'text' : 'text-3' }
  })
  if (part.isr.length < part.replicas.length) {
    const at = x + Math.min(5, part.replicas.length) * (2 * r + 2) + 0.25 * rem
    shapes.push({ kind: 'text', x: at, y: y + 0.5, text: `${part.isr.length}/${part.replicas.length}`, size: 'xs', color: 'bad', bold: true, alpha })
  }
  return shapes
}

// ---- tiles

function drawTiles(view: View, cluster: Cluster, layout: MapLayout, focus: Focus) {
  for (const card of layout.cards) {
    for (const block of layout.blocks) {
      const { tiles } = tilesOf(layout, cluster, card, block)
      for (const tile of tiles) {
        view.marks.push(...tileShapes(tile, alphaOf(focus, tile)))
        const chosen = same(focus.selected, tile)
        if (chosen || same(focus.hovered, tile)) {
          view.marks.push({ kind: 'rect', x: tile.x - 2, y: tile.y - 2, w: tile.w + 4, h: tile.h + 4, stroke: 'accent', width: chosen ? 2 : 1, radius: 2 })
        }
      }
    }
  }
}

// ---- headings and the quorum's log

function drawHeadings(view: View, cluster: Cluster, layout: MapLayout, card: Card, focus: Focus) {
  const { rem } = layout.metrics
  const dead = isDark(brokerOf(cluster, card.broker))
  const left = card.x + 0.923 * rem
  const right = card.x + card.w - 0.923 * rem
  for (const [i, block] of layout.blocks.entries()) {
    const topic = cluster.topics.find((one) => one.name === block.topic)
    if (!topic) continue
    const alpha = focus.only && focus.only.topic !== block.topic ? DIMMED : 1
    const y = card.y + block.y + layout.heading_h / 2 + 1
    if (i > 0) view.under.push({ kind: 'rect', x: card.x + 1, y: Math.round(card.y + block.y), w: card.w - 2, h: 1, fill: 'line' })
    const name = fit(block.topic, (right - left) / (0.5 * rem) - 6)
    view.marks.push({ kind: 'text', x: left, y, text: name, size: 'xs', color: dead ? 'text-3' : 'text-2', bold: !dead, alpha })
    const { fine } = layout.density === 'heat' ? tilesOf(layout, cluster, card, block) : { fine: 0 }
    const shape = focus.searched ? text.map.found(topic.partitions.length) : fine ? text.map.fine(fine) : text.map.shape(topic.partitions.length, topic.partitions[0]?.replicas.length ?? 0)
    view.marks.push({ kind: 'text', x: right, y, text: shape, size: 'xs', color: 'text-3', align: 'right', alpha })
  }
  if (layout.internal_y === null) return
  const y = card.y + layout.internal_y
  const alpha = focus.only ? DIMMED : 1
  view.under.push({ kind: 'rect', x: card.x + 1, y: Math.round(y), w: card.w - 2, h: 1, fill: 'line' })
  const label = text.map.internal(countReplicas(cluster, card.broker, true))
  view.marks.push({ kind: 'text', x: left, y: y + layout.heading_h / 2, text: label, size: 'xs', color: 'text-3', alpha })
  for (const tile of internalTiles(layout, cluster, card)) view.marks.push(...tileShapes(tile, alpha))
}

const fit = (name: string, chars: number) => (name.length <= chars ? name : `${name.slice(0, Math.max(3, Math.floor(chars) - 1))}…`)

/** A voter's metadata log as a thin neutral strip: it is a log too, and not your data. */
function drawQuorum(view: View, cluster: Cluster, layout: MapLayout, card: Card, focus: Focus) {
  const voter = cluster.quorum.voters.find((one) => one.id === card.broker)
  const broker = brokerOf(cluster, card.broker)
  if (!voter || !broker) return
  const { rem, cell } = layout.metrics
  const x = Math.round(card.x + 7.2 * rem)
  const n = Math.max(3, Math.floor((card.x + card.w - 0.923 * rem - x) / cell))
  const newest = Math.max(...cluster.quorum.voters.map((one) => one.log_end_offset))
  const filled = Math.max(0, Math.min(n - 2, n - 2 - (newest - voter.log_end_offset), voter.log_end_offset))
  const middle = card.y + layout.header_h + layout.quorum_h / 2
  const leads = cluster.controller === card.broker
  const alpha = (focus.only ? 0.3 : 1) * (leads ? 1 : isDark(broker) ? 0.5 : 0.55)
  const h = leads ? 6 : 4
  view.marks.push({ kind: 'cells', x, y: Math.round(middle - h / 2), n: filled, pitch: cell, h, color: 'meta', alpha, hollow: isDark(broker) })
}
