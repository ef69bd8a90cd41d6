// The lens: one partition's strips under each other, for maps on which its replicas are only tiles. Pure.

import { answers, brokerOf, type Cluster, type Partition } from '../model.ts'
import { text } from '../text/text.ts'
import type { Metrics } from './layout.ts'
import { behindOf, roleOf } from './replicas.ts'
import { epochColor, type Shape } from './shapes.ts'
import { stripShapes } from './strip.ts'

export interface Lens {
  w: number
  h: number
  shapes: Shape[]
}

const CELLS = 36
const LABEL_REM = 9.5
const NOTE_REM = 5
const PAD_REM = 0.75

/** Rows in assignment order, as ISR pips stand; the same x is the same offset in all of them. */
export function lensOf(cluster: Cluster, topic: string, part: Partition, metrics: Metrics): Lens {
  const { rem, cell } = metrics
  const pad = PAD_REM * rem
  const head_h = 1.9 * rem
  const row_h = Math.max(2.1 * rem, metrics.strip_leader + 12)
  const strip_w = CELLS * cell
  const w = Math.round(2 * pad + (LABEL_REM + NOTE_REM) * rem + strip_w)
  const short = part.isr.length < part.replicas.length
  const isr = text.map.isrOf(part.isr.length, part.replicas.length)
  const look = { cell, leader_h: metrics.strip_leader, follower_h: metrics.strip_follower, alpha: 1 }
  const shapes: Shape[] = [
    { kind: 'text', x: pad, y: head_h / 2 + 2, text: `${topic}-${part.partition}`, size: 's', color: 'text', bold: true },
    { kind: 'text', x: w - pad, y: head_h / 2 + 2, text: isr, size: 'xs', color: short ? 'bad' : 'text-2', align: 'right' },
  ]
  part.replicas.forEach((id, i) => {
    const middle = Math.round(head_h + (i + 0.5) * row_h)
    const role = roleOf(cluster, part, id)
    const leads = role === 'leader'
    if (leads) shapes.push(...badge(part, pad, middle, rem))
    const name = text.map.broker(id)
    shapes.push({ kind: 'text', x: pad + 2 * rem, y: middle, text: name, size: 's', color: leads ? 'text' : 'text-2', bold: leads })
    const strip = { x: Math.round(pad + LABEL_REM * rem), y: middle - row_h / 2, w: strip_w, h: row_h, middle }
    shapes.push(...stripShapes(part, id, role, strip, look))
    const color = role === 'out' ? 'warn' : role === 'offline' || role === 'none' ? 'bad' : 'text-2'
    shapes.push({ kind: 'text', x: w - pad, y: middle, text: noteOf(cluster, part, id), size: 'xs', color, align: 'right' })
  })
  return { w, h: Math.round(head_h + part.replicas.length * row_h + pad / 2), shapes }
}

function badge(part: Partition, x: number, middle: number, rem: number): Shape[] {
  const w = 1.5 * rem
  const label = `e${part.leader_epoch}`
  return [
    { kind: 'rect', x, y: middle - 0.56 * rem, w, h: 1.12 * rem, radius: 2, fill: epochColor(part.leader_epoch) },
    { kind: 'text', x: x + w / 2, y: middle + 0.5, text: label, size: 'xs', color: 'epoch-ink', bold: true, align: 'center' },
  ]
}

/** What it is, unless it is in sync, and how far it is behind, if its broker can still come nearer. */
function noteOf(cluster: Cluster, part: Partition, broker: number): string {
  const role = roleOf(cluster, part, broker)
  const late = role === 'leader' || role === 'none' || !answers(brokerOf(cluster, broker)) ? 0 : behindOf(part, broker)
  return [role === 'follower' ? '' : text.roles[role], late ? `−${late}` : ''].filter(Boolean).join(' ')
}
