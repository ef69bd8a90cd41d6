// Why is this red? Finds the facts that made it so and walks along their causes. Never guesses: no fact, no step.

import { isRebalancing } from './lag.ts'
import { answers, brokerOf, clusterOf, cutFrom, partitionOf, type Cluster, type Fact, type Snapshot } from './model.ts'
import { text } from './text/text.ts'

export type Question =
  | { about: 'partition'; topic: string; partition: number }
  | { about: 'broker'; broker: number }
  | { about: 'group'; group: string }
  | { about: 'client'; client: string }
  | { about: 'controller' }
  | { about: 'fact'; number: number }

export interface Answer {
  title: string
  steps: Fact[] // oldest first
  ends: { sentence: string; line: string | null } | null
}

const STEPS_MAX = 9 // a popover is read, not scrolled

/** The facts and everything that they follow from, oldest first. */
export function chain(facts: Fact[], byNumber: Map<number, Fact>, most = STEPS_MAX): Fact[] {
  const found = new Map<number, Fact>()
  const walk = (fact: Fact | undefined) => {
    if (!fact || found.has(fact.number)) return
    found.set(fact.number, fact)
    fact.causes.forEach((number) => walk(byNumber.get(number)))
  }
  facts.forEach(walk)
  const told = new Set<string>()
  const steps = [...found.values()].sort((a, b) => a.number - b.number)
  const kept = steps.filter((fact) => {
    // The same thing seen by several nodes is one step; the asked-for facts always stay.
    const key = JSON.stringify([fact.kind, fact.broker, fact.topic, fact.partition, fact.group, fact.member, fact.epoch])
    if (told.has(key) && !facts.includes(fact)) return false
    told.add(key)
    return true
  })
  return kept.length <= most ? kept : [...kept.slice(0, 2), ...kept.slice(kept.length - most + 2)]
}

/** The causes that the walk needs and that memory lacks. */
export function missingCauses(steps: Fact[], byNumber: Map<number, Fact>): number[] {
  return [...new Set(steps.flatMap((fact) => fact.causes))].filter((number) => !byNumber.has(number))
}

export function answer(question: Question, snapshot: Snapshot, facts: Fact[], byNumber: Map<number, Fact>): Answer {
  const cluster = clusterOf(snapshot)
  const roots = rootsOf(question, cluster, facts, byNumber)
  return { title: titleOf(question, cluster), steps: chain(roots, byNumber), ends: endsOf(question, cluster) }
}

function newest(facts: Fact[], test: (fact: Fact) => boolean): Fact[] {
  for (let i = facts.length - 1; i >= 0; i--) if (test(facts[i]!)) return [facts[i]!]
  return []
}

const BROKER_GOES = ['BrokerKilled', 'BrokerFailed', 'BrokerStopping', 'BrokerStopped', 'BrokerFrozen', 'BrokerFenced', 'BrokerAdded', 'BrokerStarted', 'BrokerRegistered']

function rootsOf(question: Question, cluster: Cluster, facts: Fact[], byNumber: Map<number, Fact>): Fact[] {
  switch (question.about) {
    case 'fact':
      return [byNumber.get(question.number)].filter((fact) => fact !== undefined)
    case 'partition': {
      const mine = (fact: Fact) => fact.topic === question.topic && fact.partition === question.partition
      const shrunk = newest(facts, (fact) => mine(fact) && fact.kind === 'IsrShrunk')
      const elected = newest(facts, (fact) => mine(fact) && fact.kind === 'LeaderElected')
      const refused = newest(facts, (fact) => mine(fact) && fact.kind === 'WritesRefused')
      const since = Math.min(...[...shrunk, ...elected].map((fact) => fact.number))
      const both = [...shrunk, ...elected, ...refused.filter((fact) => fact.number > since)]
      // An election before the shrink that has another cause, such as a preferred one, has another story.
      const last = Math.max(...both.map((fact) => fact.at_ms))
      const follows = (fact: Fact) => fact.number > (shrunk[0]?.number ?? 0) && last - fact.at_ms < 10_000
      const told = both.filter((fact) => fact.kind === 'IsrShrunk' || follows(fact) || sharesCause(fact, shrunk[0]))
      return told.length ? told : missingReplicaFacts(question, cluster, facts)
    }
    case 'broker': {
      const touches = (fact: Fact) => fact.broker === question.broker || fact.others.includes(question.broker)
      if (isCut(cluster, question.broker)) return newest(facts, (fact) => fact.kind === 'LinkCut' && touches(fact))
      if (brokerOf(cluster, question.broker)?.state === 'up') return newest(facts, (fact) => fact.broker === question.broker && fact.kind === 'BrokerUnfenced')
      // What was before its last return belongs to another story: a broker may be fenced because its links are cut.
      const back = newest(facts, (fact) => fact.broker === question.broker && fact.kind === 'BrokerUnfenced')[0]?.number ?? 0
      const last = newest(facts, (fact) => fact.broker === question.broker && fact.number > back && BROKER_GOES.slice(0, 5).includes(fact.kind))
      const fenced = newest(facts, (fact) => fact.broker === question.broker && fact.kind === 'BrokerFenced' && fact.number > Math.max(back, last[0]?.number ?? 0))
      const any = [...last, ...fenced]
      return any.length ? any : newest(facts, (fact) => fact.broker === question.broker && BROKER_GOES.includes(fact.kind))
    }
    case 'group':
      return newest(facts, (fact) => fact.group === question.group && ['RebalanceBegan', 'GroupRebalanced'].includes(fact.kind))
    case 'client':
      return newest(facts, (fact) => fact.client === question.client && fact.kind.startsWith('App'))
    case 'controller':
      return newest(facts, (fact) => ['ControllerLost', 'ControllerElected', 'BrokerKilled', 'BrokerStopped', 'BrokerFrozen', 'LinkCut'].includes(fact.kind))
  }
}

/** Cut off and not yet fenced for it: then the fencing is the question, and the cut its cause. */
const isCut = (cluster: Cluster, id: number) => brokerOf(cluster, id)?.state === 'up' && cutFrom(brokerOf(cluster, id)).length > 0

const sharesCause = (a: Fact, b: Fact | undefined) => b !== undefined && a.causes.some((number) => b.causes.includes(number))

/** Where the ISR never shrank by a fact in memory: what happened to the brokers that are missing. */
function missingReplicaFacts(question: { topic: string; partition: number }, cluster: Cluster, facts: Fact[]): Fact[] {
  const part = partitionOf(cluster, question.topic, question.partition)
  const missing = part ? part.replicas.filter((id) => !part.isr.includes(id)) : []
  return missing.flatMap((id) => newest(facts, (fact) => fact.broker === id && BROKER_GOES.includes(fact.kind)))
}

function titleOf(question: Question, cluster: Cluster): string {
  const { title, states, of } = text.why
  if (question.about === 'partition') {
    const part = partitionOf(cluster, question.topic, question.partition)
    const short = part !== undefined && part.isr.length < part.replicas.length
    const state = !part || part.leader < 0 ? states.offline! : short ? states.under! : text.why.led(part.leader)
    return title(`${question.topic}-${question.partition}`, state)
  }
  if (question.about === 'broker') {
    if (isCut(cluster, question.broker)) return title(text.inspect.brokerN(question.broker), text.trouble.cutOff)
    const state = brokerOf(cluster, question.broker)?.state ?? 'down'
    return title(text.inspect.brokerN(question.broker), states[state] ?? text.map.states[state]!)
  }
  if (question.about === 'group') {
    const group = cluster.groups.find((one) => one.name === question.group)
    return title(question.group, group && !isRebalancing(group) ? group.state : states.group!)
  }
  if (question.about === 'client') {
    const state = cluster.clients.find((one) => one.name === question.client)?.state ?? 'closed'
    return title(question.client, text.map.clientStates[state]!)
  }
  if (question.about === 'controller') return title(cluster.name, cluster.controller < 0 ? states.controller! : states.voters!)
  return of
}

/** What would end it, and the line that does so. */
export function endsOf(question: Question, cluster: Cluster): Answer['ends'] {
  const why = text.why
  if (question.about === 'partition') {
    const part = partitionOf(cluster, question.topic, question.partition)
    if (!part) return null
    const missing = part.replicas.filter((id) => !part.isr.includes(id))
    if (part.leader < 0) {
      const able = part.elr.length ? part.elr : part.isr.length ? part.isr : part.replicas
      return { sentence: why.leader(able.join(', ')), line: revive(cluster, able[0]!) }
    }
    if (missing.length === 0) return null
    return { sentence: why.isr(missing.join(', ')), line: revive(cluster, missing[0]!) }
  }
  if (question.about === 'broker') {
    const broker = brokerOf(cluster, question.broker)
    if (!broker) return null
    if (isCut(cluster, broker.id)) return { sentence: why.links(broker.id), line: revive(cluster, broker.id) }
    if (broker.state === 'up') return null
    return { sentence: why.broker(broker.id), line: revive(cluster, broker.id) }
  }
  if (question.about === 'group') {
    const group = cluster.groups.find((one) => one.name === question.group)
    return group && isRebalancing(group) ? { sentence: why.group, line: null } : null
  }
  if (question.about === 'controller') {
    const absent = cluster.brokers.find((broker) => broker.voter && broker.state !== 'up')
    return absent ? { sentence: why.voter, line: revive(cluster, absent.id) } : null
  }
  return null
}

function revive(cluster: Cluster, id: number): string | null {
  const broker = brokerOf(cluster, id)
  if (!broker) return null
  if (broker.state === 'frozen') return `thaw broker ${id}`
  if (answers(broker) && (broker.links?.length || broker.rules?.length)) return `heal broker ${id}`
  return ['down', 'stopped', 'added'].includes(broker.state) ? `start broker ${id}` : null
}
