// What is broken on purpose, told in words and made by lines.

import { describe, expect, it } from 'vitest'
import { complete, type Verb } from './commands.ts'
import { deedsOf } from './deeds.ts'
import { fixture } from './dev/fixture.ts'
import { brokerOf } from './model.ts'
import { cutLine, farSides, isCutBetween, isCutOff, isTroubled, requestLine, troublesOf } from './troubles.ts'
import { gapWires } from './canvas/tracks.ts'
import { layoutMap, rowOf } from './canvas/layout.ts'
import { answer } from './why.ts'

const cutOff = () => {
  const model = fixture()
  model.tell('LinkCut', { broker: 2, others: [1, 3], clients: false, both_ways: true })
  return model
}

describe('a broker that is cut off', () => {
  it('says whom it cannot reach, and so do they', () => {
    const { cluster } = cutOff()
    expect(cutLine(brokerOf(cluster, 2)!)).toBe('cannot reach 1, 3')
    expect(cutLine(brokerOf(cluster, 1)!)).toBe('cannot reach 2')
    expect([1, 2, 3].map((id) => isCutOff(cluster, brokerOf(cluster, id)!))).toEqual([false, true, false])
    expect([isCutBetween(cluster, 1, 2), isCutBetween(cluster, 1, 3)]).toEqual([true, false])
  })
  it('tells the one way that is lost', () => {
    const model = fixture()
    model.tell('LinkCut', { broker: 2, others: [1], clients: true, both_ways: false })
    expect(cutLine(brokerOf(model.cluster, 2)!)).toBe('not heard by 1 · no clients')
    expect(cutLine(brokerOf(model.cluster, 1)!)).toBe('does not hear 2')
  })
  it('is drawn with a gap in its wires, and only in its', () => {
    const { cluster } = cutOff()
    const layout = layoutMap(cluster, { width: 1087, height: 600, rem: 13.5, cell: 5, strip_leader: 20, strip_follower: 9, producers: 121, consumers: 162, gutter: 40, gap: 27 })
    const wiresOf = (leader: number) => {
      const part = cluster.topics.find((topic) => topic.name === 'orders')!.partitions.find((one) => one.leader === leader)!
      return gapWires(layout, cluster, part, rowOf(layout, 'orders', part.partition)!).map((wire) => wire.cut)
    }
    expect(wiresOf(2)).toEqual([true, true])
    expect(wiresOf(1)).toEqual([false, false]) // the way to 3 leads past 2
  })
  it('is explained by the cut and healed by a line', () => {
    const model = cutOff()
    const told = answer({ about: 'broker', broker: 2 }, model.snapshot, model.facts, new Map(model.facts.map((fact) => [fact.number, fact])))
    expect(told.title).toBe('Why is broker 2 cut off?')
    expect(told.steps.at(-1)!.kind).toBe('LinkCut')
    expect(told.ends!.line).toBe('heal broker 2')
    expect(deedsOf(model.cluster, { kind: 'broker', broker: 2 }).at(-1)!.line).toBe('heal broker 2')
  })
})

describe('errors on purpose', () => {
  it('are listed with the slow links, in words', () => {
    const model = fixture()
    expect(isTroubled(brokerOf(model.cluster, 2)!)).toBe(false)
    model.tell('RequestsIntercepted', { broker: 2, api: 'Produce', how: 'fail', error: 'NOT_ENOUGH_REPLICAS', delay_ms: 0, share: 30 })
    model.tell('LinkSlowed', { broker: 2, others: [3], clients: false, delay_ms: 200 })
    expect(troublesOf(brokerOf(model.cluster, 2)!)).toEqual(['broker 3: 0.2 s slower each way', '30 % of Produce answered with NOT_ENOUGH_REPLICAS'])
    expect(isTroubled(brokerOf(model.cluster, 2)!)).toBe(true)
  })
  it('are asked for by a line', () => {
    const wish = { how: 'fail' as const, api: 'Produce', error: 'REQUEST_TIMED_OUT', time: '1s', share: '30%' }
    expect(requestLine(2, wish)).toBe('fail Produce on broker 2 with REQUEST_TIMED_OUT 30%')
    expect(requestLine(2, { ...wish, how: 'delay', share: '100%' })).toBe('delay Produce on broker 2 by 1s')
    expect(requestLine(2, { ...wish, how: 'drop' })).toBe('drop Produce on broker 2 30%')
    expect(farSides(fixture().cluster, 2)).toEqual(['brokers', 'broker 1', 'broker 3', 'clients'])
  })
})

describe('the lines that break and mend', () => {
  const word = (name: string, kind: string) => ({ name, kind })
  const verb = (name: string, words: Verb['words']): Verb => ({ verb: name, words, options: [], doc: '', example: '', kafka: null })
  const grammar = [
    verb('cut broker', [word('broker', 'broker'), word('way', 'way'), word('far', 'broker|brokers|clients'), word('others', 'broker')]),
    verb('slow broker', [word('broker', 'broker'), word('to', 'literal'), word('far', 'broker|brokers|clients'), word('others', 'broker'), word('delay', 'duration')]),
    verb('fail', [word('api', 'api'), word('on', 'literal'), word('broker', 'literal'), word('broker', 'broker'), word('with', 'literal'), word('error', 'error'), word('share', 'share')]),
  ]
  const offered = (line: string) => complete(grammar, line, fixture().snapshot)
  it('are completed word by word', () => {
    expect(offered('cut broker 2 ')).toEqual(['cut broker 2 from', 'cut broker 2 to'])
    expect(offered('cut broker 2 from b')).toEqual(['cut broker 2 from broker', 'cut broker 2 from brokers'])
    expect(offered('cut broker 2 from broker ')).toEqual(['cut broker 2 from broker 1', 'cut broker 2 from broker 2', 'cut broker 2 from broker 3'])
    expect(offered('cut broker 2 from clients ')).toEqual([])
    expect(offered('slow broker 2 to clients ')).toContain('slow broker 2 to clients 200ms')
    expect(offered('fail Pro')).toEqual(['fail Produce'])
    expect(offered('fail Produce on broker 2 with NOT_E')).toEqual(['fail Produce on broker 2 with NOT_ENOUGH_REPLICAS'])
  })
})
