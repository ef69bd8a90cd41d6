// Looking closer at a large cluster and at a record in flight: search, lens, what is known of a dot.

import { describe, expect, it } from 'vitest'
import { fixture, pass } from '../dev/fixture.ts'
import { ModelCluster } from '../dev/model_cluster.ts'
import type { Traffic } from '../model.ts'
import { placeGroups, placeProducers, type Seen } from './clients.ts'
import { ALL, countFound, filtered, isTiled } from './filter.ts'
import { Flights } from './flight.ts'
import { layoutMap, type Metrics } from './layout.ts'
import { lensOf } from './lens.ts'
import { placeOf } from './hit.ts'
import { REPLICA_SAMPLES, replicaSample } from './samples.ts'

const metrics: Metrics = { width: 1087, height: 600, rem: 13.5, cell: 5, strip_leader: 20, strip_follower: 9, producers: 121, consumers: 162, gutter: 40, gap: 27 }
const seen: Seen = { written: () => [], read: () => [] }
const stageOf = (model: ModelCluster) => {
  const layout = layoutMap(model.cluster, metrics)
  return { layout, producers: placeProducers(layout, model.cluster, seen), groups: placeGroups(layout, model.cluster, seen) }
}

describe('search', () => {
  const model = new ModelCluster(3, { busy: [90, 3], orders: [6, 3] })
  it('finds a part of a name, whatever its case', () => {
    const found = filtered(model.cluster, { name: 'BUSY-1', broken: false })
    expect(countFound(found)).toBe(11)
    expect(found.topics.map((topic) => topic.name)).toEqual(['__consumer_offsets', 'busy'])
  })
  it('draws what it found as strips when there is room again', () => {
    expect(isTiled(layoutMap(model.cluster, metrics).density)).toBe(true)
    expect(layoutMap(filtered(model.cluster, { name: 'busy-1', broken: false }), metrics).density).toBe('full')
  })
  it('keeps only what is broken', () => {
    expect(countFound(filtered(model.cluster, { name: '', broken: true }))).toBe(0)
    const broken = new ModelCluster(4, { busy: [40, 3] })
    broken.command('kill broker 4', 'button')
    const found = filtered(broken.cluster, { name: '', broken: true }).topics.find((topic) => topic.name === 'busy')!
    expect(found.partitions.length).toBeGreaterThan(0)
    expect(found.partitions.every((part) => part.replicas.includes(4))).toBe(true)
  })
  it('is the same cluster when nothing is searched', () => expect(filtered(model.cluster, ALL)).toBe(model.cluster))
})

describe('the lens', () => {
  it('has a strip for each replica and says who leads and who is late', () => {
    const model = fixture()
    const part = model.cluster.topics.find((topic) => topic.name === 'orders')!.partitions[0]!
    const words = () => lensOf(model.cluster, 'orders', model.cluster.topics.find((topic) => topic.name === 'orders')!.partitions[0]!, metrics).shapes.flatMap((shape) => (shape.kind === 'text' ? [shape.text] : []))
    expect(words()).toEqual(expect.arrayContaining(['orders-0', 'ISR 3/3', `e${part.leader_epoch}`, 'Broker 1', 'Broker 2', 'Broker 3', 'leader']))
    model.command(`kill broker ${part.leader}`, 'button')
    pass(model, 4000)
    expect(words()).toEqual(expect.arrayContaining(['ISR 2/3', 'offline']))
  })
  it('stands where the cursor is, be it a row, a tile or a head', () => {
    const model = new ModelCluster(3, { busy: [90, 3] })
    const layout = layoutMap(model.cluster, metrics)
    const card = layout.cards[1]!
    const at = placeOf(layout, model.cluster, { broker: card.broker, row: 7 })!
    expect([at.x > card.x, at.x < card.x + card.w, at.y > card.y]).toEqual([true, true, true])
    expect(placeOf(layout, model.cluster, { broker: card.broker, row: -1 })!.y).toBeLessThan(card.y + layout.header_h)
    expect(placeOf(layout, model.cluster, { broker: 9, row: 0 })).toBeNull()
  })
})

describe('what is known of a dot', () => {
  const told = (traffic: Traffic) => {
    const model = fixture()
    const flights = new Flights()
    flights.add(traffic, model.cluster, model.cluster, stageOf(model), 0)
    for (let x = 0; x < metrics.width; x += 6) {
      for (let y = 0; y < metrics.height; y += 6) {
        const found = flights.near(x, y, 20, 6)
        if (found) return found.told
      }
    }
    return null
  }
  it('tells the offsets of a batch when they are all that the log has grown by', () => {
    const { cluster } = fixture()
    const part = cluster.topics.find((topic) => topic.name === 'orders')!.partitions[0]!
    const end = part.logs[part.leader]!.end
    const grown = { offsets: { orders: { 0: { [part.leader]: [end + 2, end, 0] as [number, number, number] } } } }
    expect(told({ appended: [['shop', 'orders', 0, 2, 200]], ...grown })).toMatchObject({ sort: 'produce', client: 'shop', from: part.leader, records: 2, bytes: 200, offsets: [end, end + 1], acks: 'all', epoch: null })
    expect(told({ appended: [['shop', 'orders', 0, 1, 100]], ...grown })).toMatchObject({ offsets: null })
  })
  it('tells of a stranger what it sent, and not what it asked for', () => {
    expect(told({ appended: [['pay-api', 'orders', 0, 2, 200]] })).toMatchObject({ client: 'pay-api', acks: null, offsets: null })
  })
  it('finds nothing where nothing flies', () => expect(told({})).toBeNull())
})

describe('the sheet of marks', () => {
  it('draws each look differently', () => {
    const drawn = REPLICA_SAMPLES.map((name) => JSON.stringify(replicaSample(name)))
    expect(new Set(drawn).size).toBe(REPLICA_SAMPLES.length)
  })
})
