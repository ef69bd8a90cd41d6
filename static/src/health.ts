// The eight tiles of the health strip: a number and one honest sentence each, worst news first. Pure.

import { count, rate, some } from './format.ts'
import { isRebalancing, totalLag, unread } from './lag.ts'
import { answers, clusterOf, type Broker, type Cluster, type Partition, type Snapshot, type Topic } from './model.ts'
import type { Rates } from './rates.ts'
import { text } from './text/text.ts'
import type { Question } from './why.ts'

export interface Tile {
  name: string
  value: string
  unit: string
  sentence: string
  tone: '' | 'warn' | 'bad' | 'hint' // hint: amber number, quiet tile
  crown?: boolean
  history?: (number | null)[]
  why?: Question
}

interface Row {
  topic: Topic
  partition: Partition
}

const h = text.health
const HISTORY_SECONDS = 30

export function tiles(snapshot: Snapshot, rates: Rates, now_ms: number): Tile[] {
  const cluster = clusterOf(snapshot)
  const rows = cluster.topics.flatMap((topic) => topic.partitions.map((partition) => ({ topic, partition })))
  const silent = silentOf(cluster)
  return [
    brokersTile(cluster.brokers, now_ms), controllerTile(cluster, silent), underTile(rows, silent), offlineTile(rows, silent), isrTile(rows, silent),
    produceTile(snapshot, rates, now_ms), consumeTile(snapshot, rates, now_ms, rows, silent), lagTile(cluster, rates, now_ms),
  ]
}

function brokersTile(brokers: Broker[], now_ms: number): Tile {
  const up = brokers.filter((broker) => broker.state === 'up')
  const others = brokers.filter((broker) => broker.state !== 'up').sort((a, b) => b.since_ms - a.since_ms)
  const tile: Tile = { name: h.brokers, value: count(up.length), unit: h.of(brokers.length), sentence: h.allAnswer, tone: '' }
  if (brokers.length === 0) return { ...tile, sentence: h.noBrokers }
  const last = others[0]
  if (!last) return tile
  const gone = others.some((broker) => ['down', 'frozen', 'fenced'].includes(broker.state))
  const sentence = others.length > 1 ? h.manyDown(others.length) : h.down(last.id, h.how[last.state] ?? last.state, Math.max(0, now_ms - last.since_ms))
  return { ...tile, tone: gone ? 'bad' : 'warn', sentence, why: { about: 'broker', broker: last.id } }
}

function controllerTile(cluster: Cluster, silent: Set<number>): Tile {
  const voters = cluster.brokers.filter((broker) => broker.voter)
  const up = voters.filter(answers).length
  const majority = Math.floor(voters.length / 2) + 1
  const none = cluster.controller < 0
  const tile: Tile = {
    name: h.controller, value: none ? h.nobody : String(cluster.controller), unit: h.epoch(cluster.controller_epoch), crown: !none,
    sentence: h.voters(up, voters.length), tone: '',
  }
  if (voters.length > 0 && up < majority) return { ...tile, tone: 'bad', sentence: h.noMajority(up, voters.length), why: { about: 'controller' } }
  if (none) return { ...tile, tone: 'warn', sentence: h.electing, why: { about: 'controller' } }
  if (silent.has(cluster.controller)) return { ...tile, tone: 'warn', sentence: h.silentController, why: { about: 'controller' } }
  if (voters.length > 1 && up === majority && up < voters.length) {
    return { ...tile, tone: 'warn', sentence: h.noneToSpare(up, voters.length), why: { about: 'controller' } }
  }
  return tile
}

/** Brokers that do not answer. The metadata may still trust them: until their session ends, or until there is a controller again. */
const silentOf = (cluster: Cluster) => new Set(cluster.brokers.filter((broker) => !answers(broker)).map((broker) => broker.id))
const waitsForLeader = (row: Row, silent: Set<number>) => silent.has(row.partition.leader)
const silence = (waiting: Row[]) => ({ tone: 'warn' as const, sentence: h.silentLeader(waiting.length), why: { about: 'broker' as const, broker: waiting[0]!.partition.leader } })
const trustedOf = (rows: Row[], silent: Set<number>) => [...silent].filter((id) => rows.some((row) => row.partition.isr.includes(id)))

const nameOf = (row: Row) => `${row.topic.name}-${row.partition.partition}`
const ask = (row: Row): Question => ({ about: 'partition', topic: row.topic.name, partition: row.partition.partition })
const isShort = (row: Row) => row.partition.isr.length < row.partition.replicas.length
export const minIsrOf = (topic: Topic) => Number(topic.configs['min.insync.replicas'] ?? 1)

function underTile(rows: Row[], silent: Set<number>): Tile {
  const short = rows.filter(isShort)
  const factors = new Set(rows.map((row) => row.partition.replicas.length))
  const tile: Tile = {
    name: h.under, value: count(short.length), unit: h.of(rows.length), tone: '',
    sentence: rows.length === 0 ? h.noTopics : factors.size === 1 ? h.copies([...factors][0]!) : h.allCopies,
  }
  const data = rows.filter((row) => !row.topic.internal)
  const waited = trustedOf(data, silent)[0]
  if (waited !== undefined) return { ...tile, tone: short.length ? 'bad' : 'warn', sentence: h.waitsFor(waited), why: { about: 'broker', broker: waited } }
  if (short.length === 0) return tile
  const writable = data.filter(isShort)
  const told = writable[0] ?? short[0]!
  const refused = writable.some((row) => row.partition.isr.length < minIsrOf(row.topic))
  const edge = writable.some((row) => minIsrOf(row.topic) > 1 && row.partition.isr.length === minIsrOf(row.topic))
  const sentence = refused ? h.stops : edge ? h.oneMore : h.fewer(nameOf(told))
  return { ...tile, tone: 'bad', sentence, why: ask(told) }
}

function offlineTile(rows: Row[], silent: Set<number>): Tile {
  const offline = rows.filter((row) => row.partition.leader < 0)
  const tile: Tile = { name: h.offline, value: String(offline.length), unit: '', sentence: rows.length ? h.eachLed : h.noTopics, tone: '' }
  const waiting = rows.filter((row) => waitsForLeader(row, silent))
  if (offline.length === 0) return waiting.length ? { ...tile, ...silence(waiting) } : tile
  return { ...tile, tone: 'bad', sentence: h.noLeader(some(offline.map(nameOf), 2)), why: ask(offline[0]!) }
}

function isrTile(rows: Row[], silent: Set<number>): Tile {
  const all = rows.reduce((sum, row) => sum + row.partition.replicas.length, 0)
  const inside = rows.reduce((sum, row) => sum + row.partition.isr.length, 0)
  const tile: Tile = { name: h.isr, value: count(inside), unit: h.of(all), sentence: h.noTopics, tone: '' }
  if (rows.length === 0) return tile
  const trusted = trustedOf(rows, silent)
  if (trusted.length > 0) return { ...tile, tone: 'hint', sentence: h.stillCounts(trusted) }
  if (inside < all) {
    const worst = rows.filter(isShort).sort((a, b) => a.partition.isr.length - b.partition.isr.length)
    const least = worst[0]!.partition
    const alike = worst.filter((row) => row.partition.isr.length === least.isr.length).length
    return { ...tile, tone: 'hint', sentence: h.short(least.isr.length, least.replicas.length, alike) }
  }
  const data = rows.filter((row) => !row.topic.internal)
  const tightest = data.sort((a, b) => spare(a) - spare(b))[0]
  return tightest ? { ...tile, sentence: h.mayFail(minIsrOf(tightest.topic), spare(tightest)) } : { ...tile, sentence: h.allCopies }
}

const spare = (row: Row) => Math.max(0, row.partition.replicas.length - minIsrOf(row.topic))

const isProducing = (snapshot: Snapshot) =>
  clusterOf(snapshot).clients.some((client) => client.ours && client.app === 'producer' && client.state === 'running')

const STILL_MS = 900 // shorter gaps are the batching of clients and frames

function produceTile(snapshot: Snapshot, rates: Rates, now_ms: number): Tile {
  const value = rates.rate('produced', '', now_ms)
  const tile: Tile = {
    name: h.produce, value: rate(value), unit: h.perSecond, sentence: mean(snapshot), tone: '',
    history: rates.history('produced', '', now_ms, HISTORY_SECONDS),
  }
  if (snapshot.time.paused) return { ...tile, sentence: h.standing }
  if (!isProducing(snapshot)) return value > 0 ? tile : { ...tile, sentence: h.noProducer }
  const still = now_ms - rates.last_append_ms
  return rates.last_append_ms > 0 && still > STILL_MS * snapshot.time.factor ? { ...tile, tone: 'warn', sentence: h.stoodStill(still) } : tile
}

const mean = (snapshot: Snapshot) => (snapshot.time.factor === 1 ? h.mean : h.meanSlow)

function consumeTile(snapshot: Snapshot, rates: Rates, now_ms: number, rows: Row[], silent: Set<number>): Tile {
  const cluster = clusterOf(snapshot)
  const value = rates.rate('consumed', '', now_ms)
  const tile: Tile = {
    name: h.consume, value: rate(value), unit: h.perSecond, sentence: mean(snapshot), tone: '',
    history: rates.history('consumed', '', now_ms, HISTORY_SECONDS),
  }
  if (snapshot.time.paused) return { ...tile, sentence: h.standing }
  const busy = cluster.groups.find((group) => isRebalancing(group) && group.members.length > 0)
  if (busy && value < 1) return { ...tile, tone: 'warn', sentence: h.rebalancing(busy.name), why: { about: 'group', group: busy.name } }
  const orphans = unread(cluster)
  if (orphans.length > 0) {
    const group = cluster.groups.find((one) => isRebalancing(one)) ?? cluster.groups.find((one) => one.members.length > 0)
    return { ...tile, tone: 'warn', sentence: h.nobodyReads(some(orphans, 2)), ...(group ? { why: { about: 'group' as const, group: group.name } } : {}) }
  }
  if (cluster.groups.every((group) => group.members.length === 0) && value === 0) return { ...tile, sentence: h.noConsumer }
  const waiting = rows.filter((row) => !row.topic.internal && waitsForLeader(row, silent))
  if (value === 0 && waiting.length > 0) return { ...tile, ...silence(waiting) }
  if (value === 0 && rates.last_fetch_ms > 0) return { ...tile, sentence: h.nothingNew }
  return tile
}

const RISING = 3 // times the median of the last half minute

function lagTile(cluster: Cluster, rates: Rates, now_ms: number): Tile {
  const lag = totalLag(cluster)
  const history = rates.lagHistory(HISTORY_SECONDS)
  const tile: Tile = { name: h.lag, value: rate(lag), unit: h.records, sentence: h.noLag, tone: '', history }
  if (cluster.groups.every((group) => Object.keys(group.offsets).length === 0)) return { ...tile, sentence: h.noGroups }
  const arriving = rates.mean('produced', '', now_ms, 5)
  const seen = history.filter((one) => one !== null).sort((a, b) => a - b)
  const median = seen[Math.floor(seen.length / 2)] ?? 0
  // Offsets are committed every few seconds, so a lag of some seconds is the sawtooth of a healthy group.
  if (seen.length > 10 && lag > Math.max(median * RISING, arriving * 12)) return { ...tile, tone: 'warn', sentence: h.rising }
  if (lag > 0) return { ...tile, sentence: arriving > 0 ? h.behind((lag / arriving) * 1000) : h.someLeft }
  return tile
}
