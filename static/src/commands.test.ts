// Lines: what buttons write, what the command line completes, what Kafka calls it.

import { describe, expect, it } from 'vitest'
import { complete, kafkaLine, lines, verbOf, type Verb } from './commands.ts'
import { fixture } from './dev/fixture.ts'
import grammar from './dev/grammar.json'

const verbs = grammar as Verb[]
const { snapshot } = fixture()

describe('lines', () => {
  it('are written as they would be typed', () => {
    expect(lines.broker('kill', 2)).toBe('kill broker 2')
    expect(lines.slow(4)).toBe('slow ×1/4')
    expect(lines.consume('orders', '', { group: 'billing', members: '1' })).toBe('consume orders group=billing members=1')
    expect(lines.produce('orders', 'shop', { rate: '20', keys: '' })).toBe('produce orders as shop rate=20')
  })
  it('belong to the verb with the most words', () => {
    expect(verbOf(verbs, 'pause client shop')?.verb).toBe('pause client')
    expect(verbOf(verbs, 'pause')?.verb).toBe('pause')
    expect(verbOf(verbs, 'elect preferred leaders')?.verb).toBe('elect preferred leaders')
    expect(verbOf(verbs, 'dance')).toBeUndefined()
  })
})

describe('completion', () => {
  it('offers verbs, then what fits their words', () => {
    expect(complete(verbs, 'ki', snapshot)).toEqual(['kill'])
    expect(complete(verbs, 'kill ', snapshot)).toEqual(['kill broker'])
    expect(complete(verbs, 'kill broker ', snapshot)).toEqual(['kill broker 1', 'kill broker 2', 'kill broker 3'])
    expect(complete(verbs, 'crash client b', snapshot)).toEqual(['crash client billing-1', 'crash client billing-2'])
  })
  it('offers options and their values, each once', () => {
    const offered = complete(verbs, 'produce orders acks=', snapshot)
    expect(offered).toContain('produce orders acks=all')
    expect(complete(verbs, 'produce orders acks=all ac', snapshot)).not.toContain('produce orders acks=all acks=')
  })
})

describe("Kafka's own line", () => {
  it('is filled from the line and the state', () => {
    const pid = snapshot.clusters[0]!.brokers[1]!.pid
    expect(kafkaLine(verbs, 'kill broker 2', snapshot)).toBe(`kill -9 ${pid}`)
    expect(kafkaLine(verbs, 'create topic pay partitions=3 replication=2', snapshot)).toBe(
      'bin/kafka-topics.sh --bootstrap-server localhost:9092 --create --topic pay --partitions 3 --replication-factor 2')
    expect(kafkaLine(verbs, 'elect orders-1 unclean', snapshot)).toContain('--election-type unclean --topic orders --partition 1')
  })
  it('is absent where Kafka has none', () => expect(kafkaLine(verbs, 'pause', snapshot)).toBeNull())
})
