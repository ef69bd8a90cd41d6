// The lanes of the timeline: what brokers and groups were over a stretch of time, told by facts alone. Pure.

import { ranges } from './format.ts'
import { isRebalancing } from './lag.ts'
import { clusterOf, type Fact, type Group, type Snapshot } from './model.ts'
import { lookOf, toneOf, type Tone } from './stories.ts'
import { text } from './text/text.ts'

export interface Bar {
  from_ms: number
  to_ms: number
  look: 'thin' | 'bad' | 'warn' | 'wait' | 'box' | 'box-warn' | 'box-wait'
  label?: string
}
export interface Mark {
  at_ms: number
  glyph: string
  tone: Tone | 'accent'
  number: number
}
export interface Note {
  at_ms: number
  text: string
  tone: Tone
  marked?: boolean // a mark stands at its moment; the text goes behind it
}
export interface Lane {
  name: string
  bars: Bar[]
  marks: Mark[]
  notes: Note[]
}
export interface Window {
  from_ms: number
  to_ms: number
  now_ms: number
}

const t = text.time
const FACT_MARKS = new Set(['CommandGiven', 'BrokerKilled', 'BrokerFailed', 'BrokerFenced', 'ControllerElected', 'RebalanceBegan', 'BrokerFrozen', 'AppCrashed', 'TopicCreated', 'WritesRefused', 'CommandRefused'])
const LANES_MAX = 6
const MEMBER_LANES_MAX = 4
const FUTURE = 0.09 // part of the window that has not happened yet

/** `span_ms` null: everything that the facts in memory cover. */
export function windowOf(facts: Fact[], now_ms: number, span_ms: number | null): Window {
  const first = facts[0]?.at_ms ?? now_ms - 8000
  const span = span_ms ?? Math.max(8000, (now_ms - first) * 1.02) / (1 - FUTURE)
  const to_ms = now_ms + span * FUTURE
  return { from_ms: to_ms - span, to_ms, now_ms }
}

export function lanes(snapshot: Snapshot, facts: Fact[], window: Window, openGroup: string | null): { lanes: Lane[]; quiet: string } {
  const cluster = clusterOf(snapshot)
  const seen = facts.filter((fact) => fact.at_ms >= window.from_ms)
  const brokers = cluster.brokers.map((broker) => brokerLane(broker.id, broker.since_ms, snapshot, facts, window))
  const isOpen = (group: Group) => group.name === openGroup || (isRebalancing(group) && group.members.length > 0)
  const groups = cluster.groups.map((group) => ({ group, lane: groupLane(group, facts, window, isOpen(group)) }))
  const opened = groups.filter(({ group }) => isOpen(group))
  const unfolded = opened.slice(0, 1).flatMap(({ group }) => memberLanes(group, facts, window))
  const all = [...brokers, ...groups.map(({ lane }) => lane)]
  if (1 + all.length + unfolded.length <= LANES_MAX) return { lanes: [factLane(seen), ...all, ...unfolded], quiet: '' }
  const open = new Set(opened.slice(0, 1).map(({ lane }) => lane))
  const busy = [...open, ...all.filter((lane) => !open.has(lane) && isBusy(lane))]
  const room = Math.max(0, LANES_MAX - 1 - unfolded.length)
  const rest = all.filter((lane) => !busy.includes(lane))
  const kept = [...busy, ...rest].slice(0, room)
  const ordered = [...unfolded.length ? [...open] : [], ...unfolded, ...all.filter((lane) => kept.includes(lane) && !(unfolded.length && open.has(lane)))]
  const folded = all.filter((lane) => !ordered.includes(lane))
  const foldedBrokers = folded.filter((lane) => brokers.includes(lane)).length
  const names = [...(foldedBrokers ? [t.quietBrokers(foldedBrokers)] : []), ...folded.filter((lane) => !brokers.includes(lane)).map((lane) => lane.name)]
  return { lanes: [factLane(seen), ...ordered], quiet: names.length && folded.every((lane) => !isBusy(lane)) ? t.quiet(names.join(', ')) : '' }
}

const MARK_PART = 0.0165 // of the window: as wide as a mark is drawn

/** Marks that would lie over each other stand side by side; of one kind at one place the first is enough. */
export function spread(marks: Mark[], window: Window): { mark: Mark; at_ms: number }[] {
  const width = (window.to_ms - window.from_ms) * MARK_PART
  const placed: { mark: Mark; at_ms: number }[] = []
  let heap: string[] = []
  for (const mark of [...marks].sort((a, b) => a.at_ms - b.at_ms)) {
    const free = (placed.at(-1)?.at_ms ?? -Infinity) + width
    if (mark.at_ms >= free) heap = []
    const look = mark.glyph + mark.tone
    if (heap.includes(look)) continue
    heap.push(look)
    placed.push({ mark, at_ms: Math.max(mark.at_ms, free) })
  }
  return placed
}

const isBusy = (lane: Lane) => lane.marks.length > 0 || lane.bars.some((bar) => bar.look !== 'thin')

function factLane(facts: Fact[]): Lane {
  const marks: Mark[] = []
  for (const fact of facts) {
    if (!FACT_MARKS.has(fact.kind) || (fact.kind === 'BrokerKilled' && fact.causes.length > 0)) continue // the broker's lane shows it
    const tone = fact.kind === 'CommandGiven' ? 'accent' : toneOf(fact)
    marks.push({ at_ms: fact.at_ms, glyph: lookOf(fact.kind)[0], tone, number: fact.number })
  }
  return { name: t.facts, bars: [], marks: marks.slice(-120), notes: [] }
}

// What a fact makes of its broker; null: as before.
const BROKER_LOOK: Record<string, Bar['look']> = {
  BrokerAdded: 'wait', BrokerStarted: 'warn', BrokerUnfenced: 'thin', BrokerFenced: 'warn', BrokerKilled: 'bad', BrokerFailed: 'bad',
  BrokerStopping: 'warn', BrokerStopped: 'wait', BrokerFrozen: 'warn', BrokerThawed: 'thin',
}
const STATE_LOOK: Record<string, Bar['look']> = {
  up: 'thin', added: 'wait', starting: 'warn', fenced: 'warn', stopping: 'warn', stopped: 'wait', down: 'bad', frozen: 'warn',
}

function brokerLane(id: number, since_ms: number, snapshot: Snapshot, facts: Fact[], window: Window): Lane {
  const lane: Lane = { name: text.map.broker(id), bars: [], marks: [], notes: [] }
  const state = clusterOf(snapshot).brokers.find((broker) => broker.id === id)!.state
  let look = 'thin' as Bar['look']
  let from = window.from_ms
  let known = false
  const turn = (at_ms: number, next: Bar['look']) => {
    if (at_ms > from && at_ms > window.from_ms) {
      lane.bars.push({ from_ms: Math.max(from, window.from_ms), to_ms: at_ms, look })
      from = at_ms
    }
    look = next
  }
  const elected = new Map<number, number>()
  const notes: Note[] = []
  for (const fact of facts) {
    if (fact.kind === 'LeaderElected' && fact.leader === id && fact.at_ms >= window.from_ms) elected.set(fact.at_ms, (elected.get(fact.at_ms) ?? 0) + 1)
    if (fact.broker !== id) continue
    const next = BROKER_LOOK[fact.kind]
    if (!next) continue
    known = true
    // A dead process stays dead when the controller notices.
    const stays = fact.kind === 'BrokerFenced' && (look === 'bad' || look === 'wait')
    if (!stays) turn(fact.at_ms, next)
    if (fact.at_ms < window.from_ms) continue
    const marked = fact.kind === 'BrokerKilled'
    if (marked) lane.marks.push({ at_ms: fact.at_ms, glyph: 'x', tone: 'bad', number: fact.number })
    const note = BROKER_NOTES[fact.kind]
    if (note) notes.push({ at_ms: fact.at_ms, ...note, marked })
  }
  if (!known) {
    look = STATE_LOOK[state] ?? 'thin'
    if (state !== 'up') from = Math.max(from, since_ms)
  }
  lane.bars.push({ from_ms: from, to_ms: window.now_ms, look })
  for (const [at_ms, n] of gather(elected)) {
    lane.marks.push({ at_ms, glyph: 'elect', tone: '', number: 0 })
    notes.push({ at_ms, text: t.leaders(n), tone: '', marked: true })
  }
  for (const note of notes.sort((a, b) => a.at_ms - b.at_ms)) jot(lane.notes, note, window)
  return lane
}

const BROKER_NOTES: Record<string, { text: string; tone: Tone }> = {
  BrokerKilled: { text: t.killed, tone: 'bad' }, BrokerFenced: { text: t.fenced, tone: '' },
  BrokerStopped: { text: t.stopped, tone: '' }, BrokerFrozen: { text: t.frozen, tone: 'warn' },
}
const NOTE_WIDTH = 0.07 // part of the window that a word takes: closer ones become one note

/** Writes a note beside the one before it in time, or into it where there is no room for two. */
export function jot(notes: Note[], note: Note, window: Window) {
  const last = notes.at(-1)
  const away = last ? Math.abs(note.at_ms - last.at_ms) / (window.to_ms - window.from_ms) : Infinity
  if (last && away < NOTE_WIDTH) {
    last.text = last.text.endsWith(note.text) ? last.text : `${last.text.split(' · ').at(-1)} · ${note.text}`
    if (note.marked) Object.assign(last, { at_ms: note.at_ms, marked: true })
  } else {
    if (last && away < 2 * NOTE_WIDTH) last.text = last.text.split(' · ')[0]! // a second word would be half covered
    notes.push(note)
  }
}

const NEAR_MS = 250

function gather(counts: Map<number, number>): [number, number][] {
  const merged: [number, number][] = []
  for (const [at_ms, n] of [...counts].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1)
    if (last && at_ms - last[0] < NEAR_MS) last[1] += n
    else merged.push([at_ms, n])
  }
  return merged
}

function groupLane(group: Group, facts: Fact[], window: Window, open: boolean): Lane {
  const lane: Lane = { name: group.name, bars: [], marks: [], notes: [] }
  let from = window.from_ms
  let state = ''
  let generation = group.generation
  const push = (to_ms: number) => {
    if (to_ms <= window.from_ms || to_ms <= from) return
    const busy = /Rebalance|Assigning|Reconciling/.test(state)
    if (open) lane.bars.push({ from_ms: from, to_ms, look: busy ? 'box-warn' : 'box', label: t.generation(state, generation) })
    else lane.bars.push({ from_ms: from, to_ms, look: busy ? 'warn' : state === 'Dead' ? 'bad' : 'thin' })
  }
  for (const fact of facts) {
    if (fact.group !== group.name || fact.kind !== 'GroupStateChanged') continue
    if (state === '') [state, generation] = [fact.was, fact.generation]
    push(fact.at_ms)
    from = Math.max(window.from_ms, fact.at_ms)
    state = fact.state
    generation = fact.generation
    if (state === 'Stable' && fact.at_ms >= window.from_ms) lane.notes.push({ at_ms: fact.at_ms, text: summary(group), tone: '' })
  }
  if (state === '') state = group.state
  push(window.now_ms)
  if (open) return { ...lane, notes: [] }
  if (lane.notes.length === 0) lane.notes.push({ at_ms: window.from_ms + (window.to_ms - window.from_ms) * 0.012, text: summary(group), tone: '' })
  lane.notes = lane.notes.slice(-1)
  return lane
}

function summary(group: Group): string {
  if (group.members.length === 0) return group.state
  const idle = group.members.filter((member) => Object.values(member.assignment).every((list) => list.length === 0)).length
  return `${group.state} · ${t.members(group.members.length, idle)}`
}

/** A rebalancing group opened up: what each member owned, and from when to when it waited. */
function memberLanes(group: Group, facts: Fact[], window: Window): Lane[] {
  return group.members.slice(0, MEMBER_LANES_MAX).map((member) => {
    const lane: Lane = { name: `· ${text.memberName(member.id)}`, bars: [], marks: [], notes: [] }
    let from = window.from_ms
    let owned: string | null = null
    let waits = false
    const push = (to_ms: number) => {
      if (to_ms <= from) return
      const label = waits ? t.waiting : owned ? t.owns(owned) : t.ownsNothing
      lane.bars.push({ from_ms: from, to_ms, look: waits ? 'box-warn' : owned ? 'box' : 'box-wait', label })
      from = to_ms
    }
    const mine = facts.filter((fact) => fact.group === group.name)
    const earlier = mine.filter((fact) => fact.kind === 'GroupRebalanced' && fact.at_ms < window.from_ms).at(-1)
    owned = earlier ? shareOf(earlier, member.id) : null
    const joined = mine.find((fact) => fact.kind === 'MemberJoined' && fact.member === member.id)
    if (joined && joined.at_ms > from) from = joined.at_ms
    for (const fact of mine.filter((one) => one.at_ms >= from)) {
      if (fact.kind === 'RebalanceBegan') {
        push(fact.at_ms)
        waits = true
      }
      if (fact.kind === 'GroupRebalanced') {
        push(fact.at_ms)
        waits = false
        owned = shareOf(fact, member.id)
      }
    }
    if (!mine.some((fact) => fact.kind === 'GroupRebalanced')) owned = sharesText(member.assignment)
    push(window.now_ms)
    return lane
  })
}

const shareOf = (fact: Fact, member: string) => sharesText(fact.assignment[member] ?? {})
const sharesText = (share: Record<string, number[]>) => Object.values(share).map((list) => ranges(list, 'p')).join(' ') || null
