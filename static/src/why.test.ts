// Why is it red: the walk along causes, and what ends it.

import { beforeAll, describe, expect, it } from 'vitest'
import { apply } from './apply.ts'
import { fixture, pass } from './dev/fixture.ts'
import type { Fact } from './model.ts'
import { seenCauses, sentenceOf, storiesOf } from './stories.ts'
import { answer, chain, missingCauses } from './why.ts'

const model = fixture()
let byNumber: Map<number, Fact>

beforeAll(() => {
  model.command('kill broker 2', 'button')
  pass(model, 2000)
  byNumber = new Map(model.facts.map((fact) => [fact.number, fact]))
})

describe('an under-replicated partition', () => {
  it('is told from the command to the election', () => {
    const { title, steps, ends } = answer({ about: 'partition', topic: 'orders', partition: 1 }, model.snapshot, model.facts, byNumber)
    expect(title).toBe('Why is orders-1 under-replicated?')
    expect(steps.map((fact) => fact.kind)).toEqual(['CommandGiven', 'BrokerKilled', 'SessionExpired', 'BrokerFenced', 'IsrShrunk', 'LeaderElected'])
    expect(ends).toEqual({ sentence: 'broker 2 is back in the ISR:', line: 'start broker 2' })
  })
  it('leaves out an election of before that had another cause', () => {
    const shrunk = model.facts.find((fact) => fact.kind === 'IsrShrunk' && fact.topic === 'orders' && fact.partition === 0)!
    const before: Fact = { ...shrunk, number: 1, kind: 'LeaderElected', at_ms: shrunk.at_ms - 3000, causes: [], how: 'preferred' }
    const { steps } = answer({ about: 'partition', topic: 'orders', partition: 0 }, model.snapshot, [before, shrunk], byNumber)
    expect(steps.map((fact) => fact.kind)).toEqual(['CommandGiven', 'BrokerKilled', 'SessionExpired', 'BrokerFenced', 'IsrShrunk'])
  })
  it('never invents a step: an unknown cause is missing, and asked for', () => {
    const last = model.facts.at(-1)!
    const alone = new Map([[last.number, last]])
    expect(chain([last], alone)).toEqual([last])
    expect(missingCauses([last], alone)).toEqual(last.causes)
  })
})

describe('a dead broker', () => {
  it('is told by its kill and its fencing', () => {
    const { steps } = answer({ about: 'broker', broker: 2 }, model.snapshot, model.facts, byNumber)
    expect(steps.map((fact) => fact.kind)).toEqual(['CommandGiven', 'BrokerKilled', 'SessionExpired', 'BrokerFenced'])
  })
})

describe('a broker that is cut off', () => {
  it('is told by the cut, not by an older kill, and ends with a heal', () => {
    const fact = (number: number, kind: string, fields: object): Fact =>
      ({ number, kind, id: `0.1.${number}`, node: 0, incarnation: 1, at_ms: 9_000_000 + number, causes: [], configs: {}, ...fields })
    const facts = [
      fact(9001, 'BrokerKilled', { broker: 3, pid: 7 }), fact(9002, 'BrokerUnfenced', { broker: 3, broker_epoch: 9 }),
      fact(9003, 'LinkCut', { broker: 3, others: [1, 2], clients: false, both_ways: true }),
      fact(9004, 'BrokerFenced', { broker: 3, broker_epoch: 9, partitions: 2, reason: 'session', causes: [9003] }),
    ]
    const snapshot = facts.slice(2).reduce(apply, fixture().snapshot)
    const { title, steps, ends } = answer({ about: 'broker', broker: 3 }, snapshot, facts, new Map(facts.map((one) => [one.number, one])))
    expect(title).toBe('Why is broker 3 fenced?')
    expect(steps.map((one) => one.kind)).toEqual(['LinkCut', 'BrokerFenced'])
    expect(ends?.line).toBe('heal broker 3')
    expect(sentenceOf([facts[2]!])).toBe('**Broker 3 cut off** from broker 1, 2: nothing passes, connections stay open.')
  })
})

describe('the feed', () => {
  it('tells facts of one decision as one story, newest first, without the steps between', () => {
    const stories = storiesOf(model.facts, byNumber, new Set())
    expect(stories.slice(0, 4).map((story) => story.facts[0]!.kind).sort()).toEqual(['BrokerFenced', 'BrokerKilled', 'IsrShrunk', 'LeaderElected'])
    const shrunk = stories.find((story) => story.facts[0]!.kind === 'IsrShrunk')!
    expect(shrunk.sentence).toBe(`ISR 3 → 2 on **${shrunk.facts.length} partitions**.`)
  })
  it('names the cause that a reader knows', () => {
    const fenced = model.facts.find((fact) => fact.kind === 'BrokerFenced')!
    expect(seenCauses([fenced], byNumber).map((fact) => fact.kind)).toEqual(['BrokerKilled'])
  })
})
