// One replica as a strip: the last records of its log, one cell each, on the offset axis that its row shares.

import type { Partition, ReplicaLog } from '../model.ts'
import type { Strip } from './layout.ts'
import { endOf, epochRuns, type Role } from './replicas.ts'
import { epochColor, type Shape } from './shapes.ts'

export interface OffsetWindow {
  left: number // offset of the first cell
  n: number
  x(offset: number): number
}

const CELLS_AFTER_END = 3 // so that what arrives is seen arriving

/** The same offsets at the same x in every broker: the window ends just after the leader's log end. */
export function offsetWindow(part: Partition, strip: Strip, cell: number): OffsetWindow {
  const n = Math.floor(strip.w / cell)
  const left = Math.max(0, endOf(part) + CELLS_AFTER_END - n)
  return { left, n, x: (offset) => strip.x + (Math.min(Math.max(offset, left), left + n) - left) * cell }
}

export interface Look {
  cell: number
  leader_h: number
  follower_h: number
  alpha: number
}

const EMPTY: ReplicaLog = { end: 0, hw: 0, start: 0, size: 0, segments: [] }

export function stripShapes(part: Partition, broker: number, role: Role, strip: Strip, look: Look): Shape[] {
  const window = offsetWindow(part, strip, look.cell)
  const log = part.logs[broker] ?? EMPTY
  const h = role === 'leader' ? look.leader_h : look.follower_h
  const y = Math.round(strip.middle - h / 2)
  const w = window.n * look.cell
  const shapes: Shape[] = [{ kind: 'rect', x: strip.x - 1, y: y - 1, w: w + 1, h: h + 2, fill: 'track', alpha: look.alpha }]
  if (role === 'none') return [...shapes, ...noLeader(strip, y, w, h, look.alpha)]
  const from = Math.max(window.left, log.start)
  if (role === 'offline') return [...shapes, ...offline(window, from, log.end, strip, y, h, look)]
  const hw = Math.min(role === 'leader' ? Math.max(log.hw, 0) : log.hw, log.end)
  shapes.push(...cells(part, window, from, log.end, hw, { y, h, look, strong: role === 'leader' }))
  if (role === 'out') {
    shapes.push({ kind: 'rect', x: strip.x - 2.5, y: y - 3.5, w: w + 4, h: h + 7, stroke: 'warn', dash: [4, 3], alpha: look.alpha })
  }
  shapes.push(...highWatermark(window.x(hw) - 0.5, y, h, role === 'leader', look.alpha))
  if (role === 'leader') shapes.push(...logEnd(window.x(log.end) - 0.5, y, h, look.alpha))
  return shapes
}

interface Row { y: number; h: number; look: Look; strong: boolean }

function cells(part: Partition, window: OffsetWindow, from: number, end: number, hw: number, row: Row): Shape[] {
  const shapes: Shape[] = []
  const { y, h, look } = row
  const push = (a: number, b: number, hollow: boolean) => {
    for (const run of epochRuns(part, a, b)) {
      const alpha = look.alpha * (row.strong ? 1 : hollow ? 0.7 : 0.5)
      shapes.push({ kind: 'cells', x: window.x(run.from), y, n: run.to - run.from, pitch: look.cell, h, color: epochColor(run.epoch), alpha, hollow })
    }
  }
  const to = Math.min(end, window.left + window.n)
  push(from, Math.min(hw, to), false)
  push(Math.max(from, hw), to, true)
  return shapes
}

function offline(window: OffsetWindow, from: number, end: number, strip: Strip, y: number, h: number, look: Look): Shape[] {
  const shapes: Shape[] = []
  const a = look.alpha
  if (end > from) {
    const part = { x: window.x(from), y, n: Math.min(end, window.left + window.n) - from, pitch: look.cell, h, color: 'text-3' as const }
    shapes.push({ kind: 'cells', ...part, alpha: a * 0.22 }, { kind: 'cells', ...part, alpha: a * 0.9, hollow: true })
  }
  const x = window.x(Math.max(end, window.left))
  const right = strip.x + window.n * look.cell
  shapes.push({ kind: 'path', points: [[x + 1, y - 3], [x + 1, y + h + 3]], stroke: 'bad', width: 2, alpha: a })
  if (right - x > 10) shapes.push({ kind: 'rect', x: x + 4.5, y: y + 0.5, w: right - x - 5, h: h - 1, stroke: 'text-3', dash: [2, 3], alpha: a })
  return shapes
}

const noLeader = (strip: Strip, y: number, w: number, h: number, alpha: number): Shape[] => [
  { kind: 'hatch', x: strip.x, y: y - 2, w: w - 1, h: h + 4, color: 'bad', step: 14, alpha },
  { kind: 'rect', x: strip.x - 0.5, y: y - 2.5, w, h: h + 5, stroke: 'bad', width: 1.5, alpha },
]

function highWatermark(x: number, y: number, h: number, strong: boolean, alpha: number): Shape[] {
  const over = strong ? 4 : 1.5
  const line: Shape = {
    kind: 'rect', x: x - (strong ? 1 : 0.5), y: y - over, w: strong ? 2 : 1, h: h + 2 * over, fill: strong ? 'ink-mark' : 'text-2', alpha,
  }
  if (!strong) return [line]
  const top = y - over - 1
  return [line, { kind: 'path', points: [[x - 4, top], [x + 4, top], [x, top + 5]], closed: true, fill: 'ink-mark', alpha }]
}

const logEnd = (x: number, y: number, h: number, alpha: number): Shape[] => [
  { kind: 'path', points: [[x, y + h - 1], [x + 4, y + h + 5.5], [x - 4, y + h + 5.5]], closed: true, fill: 'raised', stroke: 'text', width: 1.3, alpha },
]
