// What is offered for a thing, by the state that it is in.

import { describe, expect, it } from 'vitest'
import { deedsOf, nameOf } from './deeds.ts'
import { fixture, pass } from './dev/fixture.ts'
import type { Selection } from './store.svelte.ts'

const linesOf = (model: ReturnType<typeof fixture>, thing: Selection) => deedsOf(model.cluster, thing).map((deed) => deed.line)

describe('deeds', () => {
  it('offers a broker that runs its ends, and one that is down its start', () => {
    const model = fixture()
    const thing: Selection = { kind: 'broker', broker: 2 }
    expect(linesOf(model, thing)).toEqual(['kill broker 2', 'stop broker 2', 'freeze broker 2', 'restart broker 2'])
    model.command('kill broker 2', 'button')
    expect(linesOf(model, thing)).toEqual(['start broker 2', 'add broker rack=b'])
  })
  it('offers a partition the start of the broker that it misses', () => {
    const model = fixture()
    const part = model.cluster.topics.find((one) => one.name === 'orders')!.partitions[0]!
    model.command(`kill broker ${part.leader}`, 'button')
    pass(model, 4000)
    const deeds = deedsOf(model.cluster, { kind: 'partition', topic: 'orders', partition: 0, broker: null })
    expect(deeds[0]!.line).toBe(`start broker ${part.leader}`)
    expect(deeds.at(-1)!.line).toMatch(/^kill broker \d$/)
    expect(deeds.at(-1)!.line).not.toBe(`kill broker ${part.leader}`)
  })
  it('asks for the rest by a form', () => {
    const opened = deedsOf(fixture().cluster, { kind: 'topic', topic: 'orders' }).map((deed) => deed.opens ?? null)
    expect(opened).toEqual(['producer', 'consumer', 'set', 'grow', null])
  })
  it('offers nothing for what is not ours or not there', () => {
    const model = fixture()
    model.tell('ClientConnected', { connection: 9, client_id: 'pay-api', software: 'apache-kafka-java', software_version: '4.3.1', address: '10.0.4.31' }, [], 1)
    expect(deedsOf(model.cluster, { kind: 'client', client: 'pay-api' })).toEqual([])
    expect(deedsOf(model.cluster, { kind: 'broker', broker: 9 })).toEqual([])
    expect(deedsOf(model.cluster, { kind: 'topic', topic: '__consumer_offsets' })).toEqual([])
  })
  it('names a thing as the map does', () => {
    expect(nameOf({ kind: 'partition', topic: 'orders', partition: 3, broker: 1 })).toBe('orders-3')
    expect(nameOf({ kind: 'broker', broker: 2 })).toBe('Broker 2')
  })
})
