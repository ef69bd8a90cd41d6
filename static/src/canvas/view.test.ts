// The map as data: where things stand, what they look like in each state, what lies under a point.

import { describe, expect, it } from 'vitest'
import { fixture, pass } from '../dev/fixture.ts'
import { ModelCluster } from '../dev/model_cluster.ts'
import { placeGroups, placeProducers, stack, type Seen } from './clients.ts'
import { at, Flights, measure, perDot } from './flight.ts'
import { hit, move } from './hit.ts'
import { layoutMap, stripOf, type Metrics } from './layout.ts'
import { epochRuns, roleOf } from './replicas.ts'
import { stripShapes } from './strip.ts'
import { tilesOf } from './tiles.ts'
import { viewMap } from './view.ts'

const metrics: Metrics = { width: 1087, height: 600, rem: 13.5, cell: 5, strip_leader: 20, strip_follower: 9, producers: 121, consumers: 162, gutter: 40, gap: 27 }
const seen: Seen = { written: () => [], read: () => [] }
const nothing = { hovered: null, selected: null, only: null }
const stageOf = (model: ModelCluster) => {
  const layout = layoutMap(model.cluster, metrics)
  return { layout, producers: placeProducers(layout, model.cluster, seen), groups: placeGroups(layout, model.cluster, seen) }
}
const look = { cell: 5, leader_h: 20, follower_h: 9, alpha: 1 }

describe('layout', () => {
  it('gives every broker a column and every partition one row in all of them', () => {
    const { layout } = stageOf(fixture())
    expect(layout.density).toBe('full')
    expect(layout.cards.map((card) => card.broker)).toEqual([1, 2, 3])
    expect(layout.rows).toHaveLength(6)
    expect(new Set(layout.cards.map((card) => stripOf(layout, card, layout.rows[0]!).middle)).size).toBe(1)
  })
  it('turns to tiles and to counts when there is no room for strips', () => {
    expect(layoutMap(new ModelCluster(10, { orders: [300, 3] }).cluster, metrics).density).toBe('tiles')
    const huge = new ModelCluster(10, { orders: [3000, 3] })
    const layout = layoutMap(huge.cluster, metrics)
    expect(layout.density).toBe('heat')
    const { tiles, fine } = tilesOf(layout, huge.cluster, layout.cards[0]!, layout.blocks[0]!)
    expect(fine).toBe(900)
    expect(tiles.length).toBeLessThan(900)
  })
  it('stacks cards in order, inside, without overlap', () => {
    const placed = stack([{ item: 'a', middle: 95, h: 40 }, { item: 'b', middle: 90, h: 40 }], 0, 100, 5)
    expect(placed.map((one) => [one.item, one.y])).toEqual([['b', 15], ['a', 60]])
  })
})

describe('a strip', () => {
  const model = fixture()
  const { layout } = stageOf(model)
  const part = model.cluster.topics.find((topic) => topic.name === 'orders')!.partitions[0]!
  const strip = stripOf(layout, layout.cards[0]!, layout.rows[0]!)
  const kinds = (role: Parameters<typeof stripShapes>[2]) => stripShapes(part, 1, role, strip, look)

  it('of a leader is tall and full, of a follower low and pale', () => {
    const cells = (role: 'leader' | 'follower') => kinds(role).find((shape) => shape.kind === 'cells')!
    expect(cells('leader')).toMatchObject({ h: 20, alpha: 1, hollow: false })
    expect(cells('follower')).toMatchObject({ h: 9, alpha: 0.5 })
  })
  it('out of the ISR stands in amber dashes', () => {
    expect(kinds('out').some((shape) => shape.kind === 'rect' && shape.stroke === 'warn' && shape.dash)).toBe(true)
  })
  it('that is offline has no epoch colour and a red end', () => {
    const shapes = kinds('offline')
    expect(shapes.filter((shape) => shape.kind === 'cells').every((shape) => shape.kind === 'cells' && shape.color === 'text-3')).toBe(true)
    expect(shapes.some((shape) => shape.kind === 'path' && shape.stroke === 'bad')).toBe(true)
  })
  it('without a leader is an empty red frame', () => {
    expect(kinds('none').map((shape) => shape.kind)).toEqual(['rect', 'hatch', 'rect'])
  })
  it('changes colour where the epoch changed', () => {
    expect(epochRuns({ ...part, epochs: [[0, 0], [1, 205]] }, 200, 210)).toEqual([{ epoch: 0, from: 200, to: 205 }, { epoch: 1, from: 205, to: 210 }])
  })
})

describe('the view', () => {
  it('cuts the wires at a dead card and marks it offline', () => {
    const model = fixture()
    model.command('kill broker 2', 'button')
    pass(model, 2000)
    const stage = stageOf(model)
    const view = viewMap(model.cluster, stage, nothing)
    expect(view.holes).toEqual([stage.layout.cards[1]])
    const part = model.cluster.topics.find((topic) => topic.name === 'orders')!.partitions[1]!
    expect([1, 2, 3].map((id) => roleOf(model.cluster, part, id))).toEqual(['follower', 'offline', 'leader'])
    expect(view.marks.filter((shape) => shape.kind === 'text' && shape.text === '2/3')).toHaveLength(6)
  })
  it('is the same for the same state', () => {
    const model = fixture()
    const stage = stageOf(model)
    expect(viewMap(model.cluster, stage, nothing)).toEqual(viewMap(model.cluster, stage, nothing))
  })
  it('keeps those who read on stage when not all have room, and one of the idle', () => {
    const model = fixture()
    model.command('consume orders group=billing members=9', 'line')
    const [card] = stageOf(model).groups
    expect(card!.members.map((seat) => seat.look).sort()).toEqual(['idle', 'owns', 'owns', 'owns', 'owns', 'owns'])
    expect(card!.folded).toBe(5)
  })
  it('writes what a member waits for beside its name when its card is low', () => {
    const model = fixture()
    const lines = () => stageOf(model).groups[0]!.members[0]!.lines
    expect(lines()).toBe(3)
    model.command('consume orders group=billing members=3', 'line')
    expect(lines()).toBe(2)
    model.command('consume orders group=audit members=6', 'line')
    expect(lines()).toBe(1)
  })
  it('shows an idle member as idle', () => {
    const model = fixture()
    model.command('consume orders group=billing members=5', 'line')
    const looks = stageOf(model).groups[0]!.members.map((seat) => seat.look)
    expect(looks.filter((one) => one === 'idle').length).toBeGreaterThan(0)
  })
})

describe('pointing', () => {
  const model = fixture()
  const { layout } = stageOf(model)
  it('finds replicas, topics and brokers', () => {
    const card = layout.cards[2]!
    const row = layout.rows[4]!
    expect(hit(layout, model.cluster, card.x + 20, card.y + row.y + 5)).toEqual({ kind: 'replica', topic: 'orders', partition: 4, broker: 3 })
    expect(hit(layout, model.cluster, card.x + 20, card.y + 5)).toEqual({ kind: 'broker', broker: 3 })
    expect(hit(layout, model.cluster, card.x + 20, card.y + layout.blocks[0]!.y + 4)).toMatchObject({ kind: 'topic', topic: 'orders' })
  })
  it('walks with the arrows and stays inside', () => {
    let cursor = move(layout, model.cluster, null, 'ArrowDown')
    cursor = move(layout, model.cluster, cursor, 'ArrowDown')
    cursor = move(layout, model.cluster, cursor, 'ArrowRight')
    expect(cursor).toEqual({ broker: 2, row: 0 })
    expect(move(layout, model.cluster, { broker: 3, row: 5 }, 'ArrowDown')).toEqual({ broker: 3, row: 5 })
  })
})

describe('records in flight', () => {
  it('lets a dot go for each record that was appended, and none for what has no place', () => {
    const model = fixture()
    const flights = new Flights()
    flights.add({ appended: [['shop', 'orders', 0, 2, 200], ['shop', '__consumer_offsets', 0, 5, 9]] }, model.cluster, model.cluster, stageOf(model), 0)
    expect(flights.shapes(100, 5, null)).toHaveLength(2)
    expect(flights.shapes(5000, 5, null)).toHaveLength(0)
  })
  it('hides behind cards between two gaps', () => {
    const path = measure([[0, 0], [10, 0], [100, 0], [110, 0]], true)
    expect(path.total).toBe(20)
    expect(at(path, 0.25)).toEqual([5, 0])
    expect(at(path, 0.75)).toEqual([105, 0])
  })
  it('lets a dot stand for more when a row is fast', () => expect([perDot(8), perDot(80), perDot(800)]).toEqual([1, 10, 100]))
})
