// Records a second, from the traffic of the frames: in tenths of a second, for a minute, overall and by client and row.

import type { Counts, Second, Traffic } from './model.ts'

const TENTHS = 600 // one minute is what the charts show

class Counter {
  private readonly tenths = new Float64Array(TENTHS)
  private newest = 0

  add(at_ms: number, n: number) {
    const tenth = Math.floor(at_ms / 100)
    this.turn(tenth)
    if (tenth > this.newest - TENTHS) this.tenths[tenth % TENTHS]! += n
  }

  /** Adds the records of a span, spread evenly: nobody knows their tenths any more. */
  spread(from_ms: number, to_ms: number, n: number) {
    const tenths = Math.max(1, Math.ceil((to_ms - from_ms) / 100))
    for (let i = 0; i < tenths; i++) this.add(from_ms + i * 100, Math.floor(((i + 1) * n) / tenths) - Math.floor((i * n) / tenths))
  }

  /** Forgets what was counted from here on. */
  forget(from_ms: number) {
    for (let tenth = Math.max(Math.floor(from_ms / 100), this.newest - TENTHS + 1); tenth <= this.newest; tenth++) this.tenths[tenth % TENTHS] = 0
  }

  /** Forgets the tenths that have gone round. */
  private turn(tenth: number) {
    if (tenth <= this.newest) return
    const from = Math.max(this.newest + 1, tenth - TENTHS + 1)
    for (let i = from; i <= tenth; i++) this.tenths[i % TENTHS] = 0
    this.newest = tenth
  }

  sum(at_ms: number, ms: number, ago_ms = 0): number {
    const last = Math.floor((at_ms - ago_ms) / 100)
    let total = 0
    for (let i = last - Math.round(ms / 100) + 1; i <= last; i++) {
      if (i <= this.newest && i > this.newest - TENTHS) total += this.tenths[i % TENTHS]!
    }
    return total
  }

  /** One value a second, oldest first. */
  history(at_ms: number, seconds: number): number[] {
    return Array.from({ length: seconds }, (_, i) => this.sum(at_ms, 1000, (seconds - 1 - i) * 1000))
  }
}

export class Rates {
  readonly produced = new Map<string, Counter>()
  readonly consumed = new Map<string, Counter>()
  readonly topicsOf = new Map<string, Set<string>>() // what a client has written or read, for those that nobody told us about
  private lags: { at_ms: number; lag: number }[] = []
  private since_ms = Infinity // before it, neither this page nor the host knows
  last_append_ms = 0
  last_fetch_ms = 0

  add(traffic: Traffic, at_ms: number) {
    for (const [client, topic, partition, records] of traffic.appended ?? []) {
      if (topic.startsWith('__')) continue
      this.count(this.produced, ['', `c:${client}`, `r:${topic}-${partition}`], at_ms, records)
      this.saw(`p:${client}`, topic)
      this.last_append_ms = at_ms
    }
    for (const [client, topic, partition, records] of traffic.fetched ?? []) {
      if (topic.startsWith('__')) continue
      this.count(this.consumed, ['', `c:${client}`, `r:${topic}-${partition}`], at_ms, records)
      this.saw(`c:${client}`, topic)
      this.last_fetch_ms = at_ms
    }
  }

  /** What the host counted in the last minute is what this page would have: it came late, or has missed frames. */
  recall(minute: Second[], now_ms: number) {
    const from_ms = (minute[0]?.second ?? Infinity) * 1000
    for (const table of [this.produced, this.consumed]) {
      for (const [key, counter] of table) if (!key.startsWith('r:')) counter.forget(from_ms)
    }
    for (const { second, produced, consumed } of minute) {
      const until_ms = Math.min(second * 1000 + 1000, now_ms)
      this.recount('p', produced, second * 1000, until_ms)
      this.recount('c', consumed, second * 1000, until_ms)
      if (Object.keys(produced).length) this.last_append_ms = Math.max(this.last_append_ms, until_ms)
      if (Object.keys(consumed).length) this.last_fetch_ms = Math.max(this.last_fetch_ms, until_ms)
    }
    this.lags = [...this.lags.filter((point) => point.at_ms < from_ms), ...minute.map(({ second, lag }) => ({ at_ms: second * 1000, lag }))].slice(-60)
    this.since_ms = Math.min(this.since_ms, from_ms)
  }

  private recount(role: 'p' | 'c', counts: Counts, from_ms: number, until_ms: number) {
    const table = role === 'p' ? this.produced : this.consumed
    for (const [client, topics] of Object.entries(counts)) {
      for (const [topic, records] of Object.entries(topics)) {
        for (const key of ['', `c:${client}`]) this.counter(table, key).spread(from_ms, until_ms, records)
        this.saw(`${role}:${client}`, topic)
      }
    }
  }

  /** Notes the lag at most once a second. */
  noteLag(at_ms: number, lag: number) {
    this.since_ms = Math.min(this.since_ms, at_ms)
    const last = this.lags.at(-1)
    if (last && at_ms - last.at_ms < 1000) last.lag = lag
    else this.lags.push({ at_ms, lag })
    if (this.lags.length > 60) this.lags.shift()
  }

  /** One value a second, oldest first; null for seconds before the first that is known. */
  lagHistory(seconds: number): (number | null)[] {
    const seen = this.lags.slice(-seconds).map((point) => point.lag)
    return [...new Array<null>(seconds - seen.length).fill(null), ...seen]
  }

  rate(table: 'produced' | 'consumed', key: string, at_ms: number): number {
    return this[table].get(key)?.sum(at_ms, 1000) ?? 0
  }

  /** One value a second, oldest first; null for seconds that are not known whole. */
  history(table: 'produced' | 'consumed', key: string, at_ms: number, seconds: number): (number | null)[] {
    const sums = this[table].get(key)?.history(at_ms, seconds) ?? new Array<number>(seconds).fill(0)
    return sums.map((sum, i) => (at_ms - (seconds - i) * 1000 >= this.since_ms ? sum : null))
  }

  /** Records a second over the last seconds, as far as they are known. */
  mean(table: 'produced' | 'consumed', key: string, at_ms: number, seconds: number): number {
    const seen = this.history(table, key, at_ms, seconds).filter((sum) => sum !== null)
    return seen.length ? seen.reduce((a, b) => a + b, 0) / seen.length : 0
  }

  topics(role: 'p' | 'c', client: string): string[] {
    return [...(this.topicsOf.get(`${role}:${client}`) ?? [])].sort()
  }

  private count(table: Map<string, Counter>, keys: string[], at_ms: number, n: number) {
    for (const key of keys) this.counter(table, key).add(at_ms, n)
  }

  private counter(table: Map<string, Counter>, key: string): Counter {
    let counter = table.get(key)
    if (!counter) table.set(key, (counter = new Counter()))
    return counter
  }

  private saw(key: string, topic: string) {
    const topics = this.topicsOf.get(key)
    if (topics) topics.add(topic)
    else this.topicsOf.set(key, new Set([topic]))
  }
}
