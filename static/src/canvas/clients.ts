// Who writes and who reads, and where their cards stand beside the rows that they use. Pure.

import { ranges } from '../format.ts'
import { isRebalancing, memberLag, lagOf } from '../lag.ts'
import type { Client, Cluster, Group, Member } from '../model.ts'
import { text } from '../text/text.ts'
import type { MapLayout } from './layout.ts'
import type { Rect } from './shapes.ts'

export interface ClientCard extends Rect {
  key: string
  name: string
  clients: Client[] // more than one when a topic's producers are folded together
  topics: string[]
  lines: number // how much text has room
}

export type MemberLook = 'owns' | 'idle' | 'join' | 'rebalance' | 'paused' | 'crashed' | 'failed'

export interface MemberCard extends Rect {
  key: string
  name: string
  member: Member | null
  client: Client | null
  look: MemberLook
  chips: string[]
  lag: number | null
  lines: 1 | 2 | 3 // name; chips below it; what it waits for below those
}

export interface GroupCard extends Rect {
  key: string
  name: string
  stateBelow: boolean // its name and its state do not fit into one line
  group: Group | null
  lag: number
  members: MemberCard[]
  folded: number // members that are only counted
}

/** What traffic has shown of clients that nobody described to us. */
export interface Seen {
  written(client_id: string): string[]
  read(client_id: string): string[]
}

const PRODUCER_CARDS_MAX = 4
const MEMBERS_MAX = 6
const HEAD_REM = 2.2 // the column's name
const CHIPS_MAX = 4 // more are written as ranges
const CHIPS_LOW_MAX = 1 // the same beside the name

// ---- who

const inGroup = (cluster: Cluster, client: Client) =>
  cluster.groups.some((group) => group.members.some((member) => member.client_id === client.client_id))

export function producersOf(cluster: Cluster, seen: Seen): { client: Client; topics: string[] }[] {
  return cluster.clients.flatMap((client) => {
    const written = seen.written(client.client_id)
    if (client.ours) return client.app === 'producer' ? [{ client, topics: client.topic ? [client.topic] : written }] : []
    if (written.length) return [{ client, topics: written }]
    const reads = seen.read(client.client_id).length > 0 || inGroup(cluster, client)
    return reads ? [] : [{ client, topics: [] }]
  })
}

/** Foreign clients that read without a group. */
export const loneReaders = (cluster: Cluster, seen: Seen) =>
  cluster.clients.filter((client) => !client.ours && seen.read(client.client_id).length > 0 && !inGroup(cluster, client) && seen.written(client.client_id).length === 0)

export interface Party {
  name: string
  group: Group | null
  topics: string[]
  seats: { key: string; member: Member | null; client: Client | null }[]
}

/** Groups with their members, and our consumers that have not been seen in their group yet or any more. */
export function partiesOf(cluster: Cluster, seen: Seen): Party[] {
  const names = new Set(cluster.groups.map((group) => group.name))
  cluster.clients.forEach((client) => client.ours && client.group && names.add(client.group))
  const parties = [...names].sort().map((name): Party => {
    const group = cluster.groups.find((one) => one.name === name) ?? null
    const ours = cluster.clients.filter((client) => client.ours && client.group === name)
    const seats: Party['seats'] = (group?.members ?? []).map((member) => ({
      key: member.id, member, client: cluster.clients.find((one) => one.client_id === member.client_id && (!one.ours || one.group === name)) ?? null,
    }))
    for (const client of ours) {
      if (!seats.some((seat) => seat.client?.name === client.name)) seats.push({ key: `client ${client.name}`, member: null, client })
    }
    seats.sort((a, b) => seatName(a).localeCompare(seatName(b), 'en', { numeric: true }))
    const topics = new Set([...(group?.members ?? []).flatMap((member) => member.subscribed), ...ours.map((client) => client.topic ?? ''), ...Object.keys(group?.offsets ?? {})])
    topics.delete('')
    return { name, group, topics: [...topics].sort(), seats }
  })
  const lone = loneReaders(cluster, seen).map((client): Party => ({
    name: client.client_id || client.software, group: null, topics: seen.read(client.client_id), seats: [{ key: `lone ${client.name} ${client.address} ${client.software}`, member: null, client }],
  }))
  return [...parties, ...lone]
}

const seatName = (seat: { member: Member | null; client: Client | null }) =>
  seat.client?.name || seat.member?.client_id || text.memberName(seat.member?.id ?? '')

function lookOf(seat: Party['seats'][number], group: Group | null): MemberLook {
  const { client, member } = seat
  if (client?.state === 'crashed') return 'crashed'
  if (client?.state === 'failed') return 'failed'
  if (client?.state === 'paused') return 'paused'
  if (!member) return client && !client.ours ? 'owns' : 'join'
  if (group && isRebalancing(group)) return Object.keys(member.assignment).length ? 'rebalance' : 'join'
  return Object.values(member.assignment).some((list) => list.length) ? 'owns' : 'idle'
}

function chipsOf(member: Member | null, most: number): string[] {
  if (!member) return []
  const topics = Object.entries(member.assignment).filter(([, list]) => list.length)
  return topics.flatMap(([topic, list]) => {
    const sorted = [...list].sort((a, b) => a - b)
    const prefix = topics.length > 1 ? `${topic} ` : ''
    if (sorted.length > most) return ranges(sorted, 'p').split(' ').map((chip) => prefix + chip)
    return sorted.map((partition) => `${prefix}p${partition}`)
  })
}

// ---- where

interface Wish<T> { item: T; middle: number; h: number }

/** Stacks boxes near where they want to be: in order, without overlap, inside [top, bottom]. */
export function stack<T>(wishes: Wish<T>[], top: number, bottom: number, gap: number): { item: T; y: number; h: number }[] {
  const sorted = [...wishes].sort((a, b) => a.middle - b.middle)
  const ys: number[] = []
  let floor = top
  for (const wish of sorted) {
    const y = Math.max(floor, wish.middle - wish.h / 2)
    ys.push(y)
    floor = y + wish.h + gap
  }
  let ceiling = bottom
  for (let i = sorted.length - 1; i >= 0; i--) {
    ys[i] = Math.max(top, Math.min(ys[i]!, ceiling - sorted[i]!.h))
    ceiling = ys[i]! - gap
  }
  return sorted.map((wish, i) => ({ item: wish.item, y: Math.round(ys[i]!), h: Math.round(wish.h) }))
}

/** The middle of a topic's rows on the page; of the whole map for what has no row. */
export function middleOf(layout: MapLayout, topics: string[]): number {
  const blocks = layout.blocks.filter((block) => topics.includes(block.topic))
  const card = layout.cards[0]
  if (!blocks.length || !card || layout.cards.some((one) => one.line > 0)) return layout.area.y + layout.area.h / 2
  const first = blocks[0]!
  const last = blocks.at(-1)!
  return card.y + (first.y + layout.heading_h + last.y + last.h) / 2
}

/** `head_rem`: what stands above the cards in their column. */
export function placeProducers(layout: MapLayout, cluster: Cluster, seen: Seen, head_rem = HEAD_REM): ClientCard[] {
  const { rem, producers } = layout.metrics
  const x = 1.231 * rem
  const top = layout.area.y + head_rem * rem
  const bottom = layout.area.y + layout.area.h - 1.9 * rem
  const all = producersOf(cluster, seen)
  const folded = new Map<string, { clients: Client[]; topics: string[] }>()
  for (const { client, topics } of all) {
    const key = all.length > PRODUCER_CARDS_MAX ? topics.join(' ') : `${client.ours} ${client.name} ${client.address} ${client.software}`
    const card = folded.get(key) ?? { clients: [], topics }
    card.clients.push(client)
    folded.set(key, card)
  }
  const room = (bottom - top) / Math.max(1, folded.size) - 0.5 * rem
  const lines = room > 8.6 * rem ? 3 : room > 6.6 * rem ? 1 : 0
  const height = (clients: Client[]) => (lines === 3 ? (clients.some((one) => !one.ours) ? 9.2 : 8.2) : lines === 1 ? 6 : 3.2) * rem
  const wishes = [...folded].map(([key, card]) => ({ item: { key, ...card }, middle: middleOf(layout, card.topics), h: height(card.clients) }))
  return stack(wishes, top, bottom, 0.5 * rem).map(({ item, y, h }) => ({
    key: item.key, name: item.clients[0]!.name || item.clients[0]!.software, clients: item.clients, topics: item.topics, lines, x, y, w: producers, h,
  }))
}

export function placeGroups(layout: MapLayout, cluster: Cluster, seen: Seen): GroupCard[] {
  const { rem, consumers, width } = layout.metrics
  const x = width - 1.231 * rem - consumers
  const top = layout.area.y + 1.7 * rem
  const bottom = layout.area.y + layout.area.h - 0.3 * rem
  const sizes = sizesOf(layout, partiesOf(cluster, seen), bottom - top)
  const wishes = sizes.map((size) => ({ item: size, middle: middleOf(layout, size.party.topics) - HEADER_REM * rem * 0.35, h: heightOf(size, rem) }))
  return stack(wishes, top, bottom, GROUP_GAP_REM * rem).map(({ item: { party, shown, member_h, air }, y, h }) => {
    const members = worthShowing(cluster, party, shown).map((seat, i): MemberCard => ({
      key: seat.key, name: seatName(seat), member: seat.member, client: seat.client, look: lookOf(seat, party.group), chips: chipsOf(seat.member, member_h < ROOMY_REM * rem ? CHIPS_LOW_MAX : CHIPS_MAX),
      lag: seat.member && party.group ? memberLag(cluster, party.group, seat.member) : null, lines: member_h < ROOMY_REM * rem ? 1 : member_h < TALL_REM * rem ? 2 : 3,
      x, y: Math.round(y + HEADER_REM * rem + i * (member_h + air) + air / 2), w: consumers, h: Math.round(member_h),
    }))
    const stateBelow = party.name.length + (party.group?.state.length ?? 0) > HEAD_CHARS_MAX
    return { key: party.seats[0]?.key.startsWith('lone') ? party.seats[0].key : party.name, name: party.name, stateBelow, group: party.group, lag: party.group ? lagOf(cluster, party.group) : 0, members, folded: party.seats.length - shown, x, y, w: consumers, h }
  })
}

const INTEREST: MemberLook[] = ['crashed', 'failed', 'join', 'rebalance', 'paused', 'owns', 'idle']

/** All seats when they fit; else those first that something is up with, then the worst lag; one of the idle always has a seat. */
function worthShowing(cluster: Cluster, party: Party, shown: number): Party['seats'] {
  if (party.seats.length <= shown) return party.seats
  const lag = (seat: Party['seats'][number]) => (seat.member && party.group ? (memberLag(cluster, party.group, seat.member) ?? 0) : 0)
  const interest = (seat: Party['seats'][number]) => INTEREST.indexOf(lookOf(seat, party.group))
  const sorted = [...party.seats].sort((a, b) => interest(a) - interest(b) || lag(b) - lag(a))
  const idle = sorted.filter((seat) => lookOf(seat, party.group) === 'idle')
  return [...sorted.filter((seat) => !idle.includes(seat)).slice(0, idle.length ? Math.max(0, shown - 1) : shown), ...idle].slice(0, shown)
}

const HEADER_REM = 2.75
const HEAD_CHARS_MAX = 22
const GROUP_GAP_REM = 0.6
const TALL_REM = 4.9 // a member with chips and, below them, what it waits for
const ROOMY_REM = 3.6 // a member with chips below its name
const LOW_REM = 2.15 // a member in one line
const AIR_REM = 0.32

interface Size { party: Party; shown: number; member_h: number; air: number }

const heightOf = (size: Size, rem: number) => HEADER_REM * rem + size.shown * (size.member_h + size.air)

/** Each group wants to be as tall as the rows that it reads; when all do not fit, first the air goes, then lines, then members. */
function sizesOf(layout: MapLayout, parties: Party[], room: number): Size[] {
  const { rem } = layout.metrics
  const wanted = parties.map((party): Size => {
    const rows_h = layout.blocks.filter((block) => party.topics.includes(block.topic)).reduce((sum, block) => sum + block.h, 0) || room / parties.length
    const shown = Math.min(party.seats.length, MEMBERS_MAX)
    const each = (rows_h - HEADER_REM * rem) / Math.max(1, shown)
    const member_h = each >= (ROOMY_REM + 0.9) * rem ? Math.min(5.4 * rem, each * 0.8) : LOW_REM * rem
    return { party, shown, member_h, air: Math.max(AIR_REM * rem, Math.min(3.4 * rem, each - member_h)) }
  })
  const steps: ((size: Size) => Size)[] = [
    (size) => ({ ...size, air: AIR_REM * rem }),
    (size) => ({ ...size, member_h: LOW_REM * rem }),
    (size) => ({ ...size, shown: Math.min(size.shown, 3) }),
    (size) => ({ ...size, shown: 0 }),
  ]
  let sizes = wanted
  for (const step of steps) {
    const total = sizes.reduce((sum, size) => sum + heightOf(size, rem) + GROUP_GAP_REM * rem, 0)
    if (total <= room + GROUP_GAP_REM * rem) break
    sizes = sizes.map(step)
  }
  return sizes
}
