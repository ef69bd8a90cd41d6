// One sample of each look of a replica and of a record in flight, for the sheet that explains them. Drawn by what draws the map. Pure.

import type { Partition } from '../model.ts'
import type { Role } from './replicas.ts'
import type { Shape } from './shapes.ts'
import { stripShapes } from './strip.ts'

export const SAMPLE = { w: 132, h: 36 }
const [END, HW, BEHIND] = [21, 18, 13]

/** A partition that broker 1 leads and broker 2 follows; `turn`: where its second epoch began. */
function partition(turn: number): Partition {
  const log = (end: number, hw: number) => ({ end, hw, start: 0, size: 0, segments: [] })
  return {
    partition: 0, leader: 1, leader_epoch: turn < END ? 1 : 0, partition_epoch: 0, replicas: [1, 2, 3], isr: [1, 2], elr: [],
    high_watermark: HW, log_start: 0,
    logs: { 1: log(END, HW), 2: log(END - 1, HW - 1), 3: log(BEHIND, BEHIND) }, epochs: turn < END ? [[0, 0], [1, turn]] : [[0, 0]],
  }
}

const LOOKS: Record<string, [broker: number, role: Role, turn: number]> = {
  leader: [1, 'leader', END], epoch: [1, 'leader', 11], follower: [2, 'follower', END], out: [3, 'out', END],
  offline: [3, 'offline', END], none: [1, 'none', END],
}

export const REPLICA_SAMPLES = Object.keys(LOOKS)

export function replicaSample(name: string): Shape[] {
  const [broker, role, turn] = LOOKS[name]!
  const strip = { x: 4, y: 0, w: 125, h: SAMPLE.h, middle: SAMPLE.h / 2 }
  return stripShapes(partition(turn), broker, role, strip, { cell: 5, leader_h: 18, follower_h: 9, alpha: 1 })
}
