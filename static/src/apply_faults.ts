// Folds what was broken on purpose into the brokers: links that are not whole, rules for requests.
// Rule: the twin of engine/sandbox/apply_faults.py; tests/shared/apply_cases.json holds the two together.

import type { Broker, Cluster, Fact, Fold, Link, Rule } from './model.ts'

type Change = Partial<Link>

const each = (cluster: Cluster, change: (broker: Broker) => Broker): Cluster => ({ ...cluster, brokers: cluster.brokers.map(change) })

/** Brokers in order, all clients last. */
const inOrder = (a: Link, b: Link) => (a.to === null ? 1 : 0) - (b.to === null ? 1 : 0) || (a.to ?? 0) - (b.to ?? 0)

function linked(broker: Broker, to: number | null, change: Change): Broker {
  const links = broker.links ?? []
  const before = links.find((link) => link.to === to) ?? { to, sends: true, hears: true, delay_ms: 0 }
  return { ...broker, links: [...links.filter((link) => link.to !== to), { ...before, ...change }].sort(inOrder) }
}

/** `near` is how the links change at the broker, `far` at the other side. */
function touched(cluster: Cluster, fact: Fact, near: Change, far: Change): Cluster {
  const others = fact.others as number[]
  const ends: (number | null)[] = fact.clients ? [...others, null] : others
  return each(cluster, (broker) => {
    if (broker.id === fact.broker) return ends.reduce<Broker>((one, to) => linked(one, to, near), broker)
    return others.includes(broker.id) ? linked(broker, fact.broker, far) : broker
  })
}

const linkCut = (cluster: Cluster, fact: Fact) =>
  fact.both_ways
    ? touched(cluster, fact, { sends: false, hears: false }, { sends: false, hears: false })
    : touched(cluster, fact, { sends: false }, { hears: false })

const linkSlowed = (cluster: Cluster, fact: Fact) => touched(cluster, fact, { delay_ms: fact.delay_ms }, { delay_ms: fact.delay_ms })

/** All links of the broker are whole; of all brokers if it is null. */
export const withoutLinks = (cluster: Cluster, id: number | null): Cluster =>
  each(cluster, (broker) => {
    if (!broker.links) return broker
    return { ...broker, links: id === null || id === broker.id ? [] : broker.links.filter((link) => link.to !== id) }
  })

function requestsIntercepted(cluster: Cluster, fact: Fact): Cluster {
  const rule: Rule = { api: fact.api, how: fact.how, error: fact.error, delay_ms: fact.delay_ms, share: fact.share }
  return each(cluster, (broker) => {
    if (broker.id !== fact.broker) return broker
    const others = (broker.rules ?? []).filter((known) => known.api !== rule.api)
    return { ...broker, rules: [...others, rule].sort((a, b) => (a.api < b.api ? -1 : 1)) }
  })
}

const interceptionEnded = (cluster: Cluster, fact: Fact) =>
  each(cluster, (broker) => (broker.rules && (fact.broker === null || fact.broker === broker.id) ? { ...broker, rules: [] } : broker))

export const FAULT_FOLDS: Record<string, Fold> = {
  LinkCut: linkCut, LinkSlowed: linkSlowed, LinksHealed: (cluster: Cluster, fact: Fact) => withoutLinks(cluster, fact.broker),
  RequestsIntercepted: requestsIntercepted, InterceptionEnded: interceptionEnded,
}
