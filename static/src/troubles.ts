// What is broken on purpose at a broker: its links and how it treats requests, in words and in lines. Pure.

import { lines } from './commands.ts'
import { answers, cutFrom, type Broker, type Cluster } from './model.ts'
import { text } from './text/text.ts'

const t = text.trouble

export const isTroubled = (broker: Broker) => Boolean(broker.links?.length || broker.rules?.length)
export const isSlow = (broker: Broker) => (broker.links ?? []).some((link) => link.delay_ms > 0)

/** Does nothing that two brokers say to each other get an answer? One lost way is enough. */
export const isCutBetween = (cluster: Cluster, a: number, b: number) =>
  cutFrom(cluster.brokers.find((broker) => broker.id === a)).some((link) => link.to === b)

/** The one line below a broker's name; null: its links are whole. */
export function cutLine(broker: Broker): string | null {
  const cut = cutFrom(broker)
  if (cut.length === 0 || !answers(broker)) return null
  const brokers = (links: typeof cut) => links.flatMap((link) => (link.to === null ? [] : [link.to]))
  const both = brokers(cut.filter((link) => !link.sends && !link.hears))
  const sends = brokers(cut.filter((link) => link.hears && !link.sends))
  const hears = brokers(cut.filter((link) => link.sends && !link.hears))
  const parts = [
    both.length && t.cannotReach(both), sends.length && t.notHeard(sends), hears.length && t.doesNotHear(hears),
    cut.some((link) => link.to === null) && t.noClients, broker.fenced && t.fencedToo,
  ]
  return parts.filter(Boolean).join(' · ')
}

/** Alone: cut from every other broker, or from all clients. One link less is told, but is no state of the broker. */
export function isCutOff(cluster: Cluster, broker: Broker): boolean {
  const cut = answers(broker) ? cutFrom(broker) : []
  const others = cluster.brokers.filter((one) => one.id !== broker.id)
  return cut.some((link) => link.to === null) || (others.length > 0 && others.every((one) => cut.some((link) => link.to === one.id)))
}

/** Everything that is broken, a line each. */
export function troublesOf(broker: Broker): string[] {
  const far = (to: number | null) => (to === null ? t.clients : text.inspect.brokerN(to))
  const links = (broker.links ?? []).flatMap((link) => {
    const side = far(link.to)
    const cut = !link.sends && !link.hears ? t.cut(side) : !link.sends ? t.cutSending(side) : !link.hears ? t.cutHearing(side) : null
    return [...(cut ? [cut] : []), ...(link.delay_ms ? [t.slow(side, link.delay_ms)] : [])]
  })
  return [...links, ...(broker.rules ?? []).map((rule) => t.rule(rule))]
}

// ---- what a form makes

export interface LinkWish { far: string; way: 'from' | 'to'; time: string }
export interface RequestWish { how: 'fail' | 'delay' | 'drop'; api: string; error: string; time: string; share: string }

/** The other sides that a broker's links can have, as the lines call them. */
export const farSides = (cluster: Cluster, id: number): string[] => {
  const others = cluster.brokers.filter((broker) => broker.id !== id).map((broker) => `broker ${broker.id}`)
  return [...(others.length ? ['brokers', ...others] : []), 'clients']
}

export const requestLine = (broker: number, wish: RequestWish): string => {
  const share = wish.share === '100%' ? '' : ` ${wish.share}`
  if (wish.how === 'fail') return `${lines.fail(wish.api, broker, wish.error)}${share}`
  return wish.how === 'delay' ? `${lines.delay(wish.api, broker, wish.time)}${share}` : `${lines.drop(wish.api, broker)}${share}`
}
